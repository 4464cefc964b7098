/**
 * The command line: options in, tables or JSON on stdout, messages on stderr, exit codes (0 done, 1
 * internal error, 2 usage, job file or existing output, 3 bad data, 4 output not committed).
 * Nothing is computed in here, and no Spark class is named.
 */
package org.sparkbatchnorm.cli;
