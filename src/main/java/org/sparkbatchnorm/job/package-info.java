/**
 * The job itself: {@link org.sparkbatchnorm.job.JobSpec} says what to compute, read strictly from a
 * YAML job file and the command line through the one table {@link org.sparkbatchnorm.job.Setting},
 * and the classes that run it wire the flow from sources over statistics and estimators to the
 * checkpoint and the report. Besides {@code sql} this is the only room that imports Spark; what
 * describes a job does without, so that a wrong one is refused before a session starts. No
 * arithmetic on activations and no byte formats in here.
 */
package org.sparkbatchnorm.job;
