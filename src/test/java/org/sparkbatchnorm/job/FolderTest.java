package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FolderTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/w/jobs | data/digits | /w/jobs/data/digits",
        "/w/jobs/ | data/ | /w/jobs/data",
        "/w/jobs | ./data//x | /w/jobs/data/x",
        "/w/jobs | ../target/x.npy | /w/target/x.npy",
        "/w/jobs | a/../b | /w/jobs/b",
        "/w/jobs | .. | /w",
        "/w/jobs | . | /w/jobs",
        "/w/jobs | ../../../../x | /x",
        "/ | x | /x",
        "/w/run[1] | ../x | /w/x",
        "/w/jobs | a/*.npy | /w/jobs/a/*.npy",
        "/w/jobs | ?/{a,b}/[c] | /w/jobs/?/{a,b}/[c]",
        "/w/jobs | {a/x,b/y}/*.npy | /w/jobs/{a/x,b/y}/*.npy",
        "/w/jobs | */../x | /w/jobs/*/../x",
        "/w/jobs | */../../x | /w/jobs/*/../../x",
        "/w/jobs | ../*/x | /w/*/x",
        "/w/jobs | ..x/...| /w/jobs/..x/...",
        "/w/jobs | data/a:b | /w/jobs/data/a:b",
        "/w/my jobs | a%20b#c | /w/my jobs/a%20b#c",
        "hdfs://nn:8020/jobs | data/x | hdfs://nn:8020/jobs/data/x",
        "hdfs://nn:8020/jobs | ../../../x | hdfs://nn:8020/x",
        "s3a://bucket | x | s3a://bucket/x",
        "hdfs:///jobs | x | hdfs:///jobs/x",
        "file:/w/jobs | ../x | file:/w/x"
      })
  void relativePathsLieInTheFolder(String folder, String path, String resolved) {
    assertThat(new Folder(folder).resolve(path)).isEqualTo(resolved);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/a/../b//*.npy", "s3a://b/x/../y", "file:///x", "hdfs:x", "viewfs-2.a+b:/x", "/"})
  void absolutePathsAndUrisStayAsTheyAre(String path) {
    assertThat(new Folder("/w").resolve(path)).isEqualTo(path);
  }

  @Test
  void refusesARelativeFolder() {
    assertThatThrownBy(() -> new Folder("jobs"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("folder jobs, but an absolute path or a URI is needed");
  }
}
