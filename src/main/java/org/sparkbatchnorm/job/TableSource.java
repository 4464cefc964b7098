package org.sparkbatchnorm.job;

/** Where the rows of a table come from, on executors. */
interface TableSource {
  /** Number of partitions. */
  int partitions();

  /** Counts all partitions, once. */
  ScanState count(TablePartitionScan scan);
}
