package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.lang.ref.WeakReference;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.sparkbatchnorm.source.MiniBatchPlan;

/**
 * A {@link MiniBatchPlan} for all tasks. It crosses as {@link JavaBytes}, whatever serializer the
 * session has. The tasks of a JVM share one copy, as it may be large.
 *
 * @param bytes of the plan
 */
record SharedPlan(Broadcast<byte[]> bytes) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The array that was read last in this JVM, and its plan, while somebody holds them. */
  private static WeakReference<byte[]> source = new WeakReference<>(null);

  private static WeakReference<MiniBatchPlan> read = new WeakReference<>(null);

  static SharedPlan of(JavaSparkContext spark, MiniBatchPlan plan) {
    return new SharedPlan(spark.broadcast(JavaBytes.of(plan)));
  }

  /** The plan, on an executor. */
  MiniBatchPlan plan() {
    return plan(bytes.value());
  }

  private static synchronized MiniBatchPlan plan(byte[] array) {
    MiniBatchPlan plan = read.get();
    if (plan == null || source.get() != array) {
      plan = JavaBytes.read(array, MiniBatchPlan.class);
      source = new WeakReference<>(array);
      read = new WeakReference<>(plan);
    }
    return plan;
  }

  /** Gives it up once all tasks are done. */
  void destroy() {
    bytes.destroy();
  }
}
