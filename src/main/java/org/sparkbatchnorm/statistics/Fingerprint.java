package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/**
 * A number by which two parties find out whether they counted the same values: the SHA-256, in
 * lower-case hexadecimal, of canonical bytes.
 *
 * <p>A layer's is that of its {@link ChannelMoments#canonicalBytes}. A dataset's covers its layers
 * in the order of the bytes of their UTF-8 names (as unsigned numbers; a prefix comes first), each
 * as
 *
 * <pre>
 * bytes  content
 * 4      length of the name, little-endian
 * ...    name, UTF-8
 * ...    canonical bytes, which say themselves where they end
 * </pre>
 *
 * <p>Files, mini-batches and order are no part of it. Thread-safe.
 */
public final class Fingerprint {
  private Fingerprint() {}

  /** Of one layer, by its canonical bytes. */
  public static String ofLayer(byte[] canonicalBytes) {
    return HexFormat.of().formatHex(sha256().digest(canonicalBytes));
  }

  /**
   * Of a dataset.
   *
   * @param layers canonical bytes by layer name
   * @throws IllegalArgumentException if a name is not valid Unicode
   */
  public static String ofDataset(Map<String, byte[]> layers) {
    TreeMap<byte[], byte[]> byName = new TreeMap<>(Arrays::compareUnsigned);
    layers.forEach((name, canonicalBytes) -> byName.put(utf8(name), canonicalBytes));
    MessageDigest digest = sha256();
    byName.forEach(
        (name, canonicalBytes) -> {
          ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
          digest.update(length.putInt(name.length).flip());
          digest.update(name);
          digest.update(canonicalBytes);
        });
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Without the replacement characters that would make two names one. */
  private static byte[] utf8(String name) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("layer name is not valid Unicode: " + name, e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
