package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.jdk.javaapi.CollectionConverters;

/** A job is a guest in its caller's session. */
class SessionHygieneTest {
  private static final Path DIGITS =
      Path.of(System.getProperty("basedir", ""), "jobs", "data", "digits");

  @TempDir private Path folder;
  private final SparkSession session = LocalSpark.session();
  private final SparkContext spark = session.sparkContext();
  private final Set<String> groups = ConcurrentHashMap.newKeySet();
  private final Set<String> descriptions = ConcurrentHashMap.newKeySet();
  private final SparkListener listener =
      new SparkListener() {
        @Override
        public void onJobStart(SparkListenerJobStart job) {
          groups.add(job.properties().getProperty("spark.jobGroup.id", "none"));
          descriptions.add(job.properties().getProperty("spark.job.description", "none"));
        }
      };

  @BeforeEach
  void listen() {
    spark.addSparkListener(listener);
  }

  @AfterEach
  void leave() {
    spark.removeSparkListener(listener);
    spark.clearJobGroup();
  }

  private void runFilesAndTable() throws Exception {
    TestJob.of(folder, DIGITS).run();
    Path table = folder.resolve("table");
    if (!table.toFile().exists()) {
      new Activations()
          .addF32("bn", Activations.shape(2, 1), 1, 2)
          .dataFrame()
          .write()
          .parquet(table.toString());
    }
    TestJob.of(folder, table).run();
    spark.listenerBus().waitUntilEmpty();
  }

  @Test
  void settingsAreAsBefore() throws Exception {
    Map<String, String> before = Map.copyOf(CollectionConverters.asJava(session.conf().getAll()));
    runFilesAndTable();
    assertThat(CollectionConverters.asJava(session.conf().getAll()))
        .containsExactlyInAnyOrderEntriesOf(before);
    assertThat(session.conf().get("spark.sql.files.ignoreCorruptFiles")).isEqualTo("true");
  }

  @Test
  void jobsStayInTheCallersGroup() throws Exception {
    spark.setJobGroup("cell 42", "my notebook", true);
    runFilesAndTable();
    assertThat(groups).containsExactly("cell 42");
    assertThat(descriptions)
        .anyMatch(text -> text.startsWith("spark-batchnorm: counting 3 layers"));
    assertThat(spark.getLocalProperty("spark.jobGroup.id")).isEqualTo("cell 42");
    assertThat(spark.getLocalProperty("spark.job.description")).isEqualTo("my notebook");
    assertThat(spark.getLocalProperty("spark.job.interruptOnCancel")).isEqualTo("true");
  }

  @Test
  void withoutOneTheyHaveTheirOwnForAsLongAsTheyRun() throws Exception {
    TestJob.of(folder, DIGITS).run();
    spark.listenerBus().waitUntilEmpty();
    assertThat(groups).containsExactly("spark-batchnorm");
    assertThat(spark.getLocalProperty("spark.jobGroup.id")).isNull();
    assertThat(spark.getLocalProperty("spark.job.description")).isNull();
  }

  @Test
  void aFailureLeavesNothingBehindEither() {
    assertThatThrownBy(() -> TestJob.of(folder, folder.resolve("nothing")).run())
        .isInstanceOf(IOException.class);
    assertThat(spark.getLocalProperty("spark.jobGroup.id")).isNull();
    assertThat(spark.getLocalProperty("spark.job.description")).isNull();
  }

  /** An own session for Parquet must not become the thread's active one. */
  @Test
  void theActiveSessionIsAsBefore() throws Exception {
    SparkSession.setActiveSession(session);
    runFilesAndTable();
    assertThat(SparkSession.active()).isSameAs(session);
  }

  @Test
  void aSessionThatIsThereIsUsedAndGoesOn() throws Exception {
    SparkRun.recalibrate(TestJob.of(folder, DIGITS).spec());
    SparkRun.plan(TestJob.of(folder, DIGITS).spec());
    assertThat(spark.isStopped()).isFalse();
    assertThat(session.conf().get("spark.app.name")).isEqualTo("spark-batchnorm tests");
  }
}
