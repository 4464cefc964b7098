package org.sparkbatchnorm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivilegedExceptionAction;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.security.UserGroupInformation;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A name node and a data node in this JVM, reachable from this machine alone. Started for the first
 * test class that has a parameter of this type, and shared by the others.
 */
final class LoopbackHdfs implements AutoCloseable {
  private final Path folder;
  private final MiniDFSCluster cluster;

  private LoopbackHdfs() throws IOException {
    folder = Files.createTempDirectory("hdfs");
    Configuration configuration = new Configuration();
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.toString());
    for (String server : new String[] {"rpc", "servicerpc", "http"}) {
      configuration.set("dfs.namenode." + server + "-bind-host", "127.0.0.1");
    }
    configuration.set("dfs.datanode.hostname", "127.0.0.1");
    cluster = new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
    cluster.waitActive();
  }

  /** Gives test classes the one cluster, and each test an empty {@link Folder} of its own. */
  static final class Provider implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      Class<?> type = parameter.getParameter().getType();
      return type == LoopbackHdfs.class || type == Folder.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      LoopbackHdfs hdfs =
          context
              .getRoot()
              .getStore(ExtensionContext.Namespace.create(LoopbackHdfs.class))
              .getOrComputeIfAbsent(LoopbackHdfs.class, type -> start(), LoopbackHdfs.class);
      return parameter.getParameter().getType() == Folder.class
          ? hdfs.emptyFolder(context.getRequiredTestMethod().getName())
          : hdfs;
    }

    private static LoopbackHdfs start() {
      try {
        return new LoopbackHdfs();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** As {@code hdfs://localhost:12345}. */
  String uri() {
    return cluster.getURI().toString();
  }

  Configuration configuration() {
    return new Configuration(cluster.getConfiguration(0));
  }

  /** As the user who started it, who may do anything. */
  FileSystem fileSystem() throws IOException {
    return cluster.getFileSystem();
  }

  private Folder emptyFolder(String name) {
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path("/" + name);
    try {
      fileSystem().delete(path, true);
      fileSystem().mkdirs(path);
      return new Folder(fileSystem(), uri() + path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A folder for one test, by its URI. */
  record Folder(FileSystem fileSystem, String uri) {
    /** The URI of a name in here. */
    String uri(String name) {
      return uri + "/" + name;
    }

    /** Writes a file, and returns its URI. */
    String write(String name, String content) throws IOException {
      try (var out = fileSystem.create(new org.apache.hadoop.fs.Path(uri(name)))) {
        out.write(content.getBytes(UTF_8));
      }
      return uri(name);
    }

    byte[] read(String name) throws IOException {
      try (var in = fileSystem.open(new org.apache.hadoop.fs.Path(uri(name)))) {
        return in.readAllBytes();
      }
    }

    /** All names in here, hidden ones among them. */
    List<String> names() throws IOException {
      return names("");
    }

    /** All names in a folder below. */
    List<String> names(String below) throws IOException {
      return Arrays.stream(fileSystem.listStatus(new org.apache.hadoop.fs.Path(uri(below))))
          .map(FileStatus::getPath)
          .map(org.apache.hadoop.fs.Path::getName)
          .toList();
    }
  }

  /** Acts as somebody else, who owns nothing. */
  static void asStranger(ThrowingCallable action) throws Exception {
    UserGroupInformation.createRemoteUser("stranger")
        .doAs(
            (PrivilegedExceptionAction<Void>)
                () -> {
                  try {
                    action.call();
                  } catch (Exception | Error e) {
                    throw e;
                  } catch (Throwable e) {
                    throw new IllegalStateException(e);
                  }
                  return null;
                });
  }

  @Override
  public void close() throws IOException {
    cluster.shutdown(true);
    Files.deleteIfExists(folder);
  }
}
