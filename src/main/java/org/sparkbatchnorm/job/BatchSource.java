package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.execution.ColumnarToRowExec;
import org.apache.spark.sql.execution.InputAdapter;
import org.apache.spark.sql.execution.ProjectExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.WholeStageCodegenExec;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Batches of columns, where Spark's plan reads such ones and makes rows of them only in the end:
 * the columns that describe a tensor are computed for each row as the plan would, its values are
 * read out of the batch.
 *
 * @param batches as the plan's reader gives them
 * @param columns the columns of {@link ActivationTable} but the values, in terms of a batch's
 * @param attributes the columns of a batch
 * @param data which of them holds the values
 * @param type of the values
 */
record BatchSource(
    JavaRDD<ColumnarBatch> batches,
    List<Expression> columns,
    List<Attribute> attributes,
    int data,
    ValueType type)
    implements TableSource {

  /** The batches below a plan that gives a table; none if it does not just rename their columns. */
  static Optional<BatchSource> of(SparkPlan plan, ValueType type) {
    List<?> output = CollectionConverters.asJava(plan.output());
    SparkPlan below = withoutCodegen(plan);
    if (below instanceof ProjectExec project) {
      output = CollectionConverters.asJava(project.projectList());
      below = withoutCodegen(project.child());
    }
    if (!(below instanceof ColumnarToRowExec toRow)) {
      return Optional.empty();
    }
    List<Expression> columns = new ArrayList<>();
    output.forEach(column -> columns.add((Expression) column));
    List<Attribute> attributes = CollectionConverters.asJava(toRow.child().output());
    int data = indexOf(columns.remove(ActivationTable.DATA), attributes);
    if (data < 0) {
      return Optional.empty();
    }
    JavaRDD<ColumnarBatch> batches = toRow.child().executeColumnar().toJavaRDD();
    return Optional.of(new BatchSource(batches, columns, new ArrayList<>(attributes), data, type));
  }

  private static SparkPlan withoutCodegen(SparkPlan plan) {
    SparkPlan below = plan;
    while (below instanceof WholeStageCodegenExec || below instanceof InputAdapter) {
      below = below.children().head();
    }
    return below;
  }

  private static int indexOf(Expression column, List<Attribute> attributes) {
    Expression named = column instanceof Alias alias ? alias.child() : column;
    for (int i = 0; i < attributes.size(); i++) {
      if (named instanceof AttributeReference reference
          && reference.exprId().equals(attributes.get(i).exprId())) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public int partitions() {
    return batches.getNumPartitions();
  }

  @Override
  public ScanState count(TablePartitionScan scan) {
    return StateMerge.of(
        batches.mapPartitions(new Task(scan, scala(columns), scala(attributes), data, type)));
  }

  private static <T> Seq<T> scala(List<T> list) {
    return CollectionConverters.asScala(list).toList();
  }

  private record Task(
      TablePartitionScan scan,
      Seq<Expression> columns,
      Seq<Attribute> attributes,
      int data,
      ValueType type)
      implements FlatMapFunction<Iterator<ColumnarBatch>, byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public Iterator<byte[]> call(Iterator<ColumnarBatch> batches) throws Exception {
      return scan.state(
          new BatchCursor(batches, UnsafeProjection.create(columns, attributes), data, type));
    }
  }
}
