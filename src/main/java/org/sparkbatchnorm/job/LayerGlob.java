package org.sparkbatchnorm.job;

/**
 * A pattern for whole layer names: {@code *} stands for any characters, none included, {@code ?}
 * for exactly one, and every other character for itself. Case counts; a dot and a slash are
 * characters like any other. Matching takes at most {@code name length x glob length} steps.
 *
 * @param text the glob as it was written
 */
public record LayerGlob(String text) {

  /** Whether the whole name matches. */
  public boolean matches(String name) {
    int[] glob = text.codePoints().toArray();
    int[] layer = name.codePoints().toArray();
    int g = 0;
    int n = 0;
    int star = -1;
    int starEnd = 0;
    while (n < layer.length) {
      if (g < glob.length && glob[g] == '*') {
        star = g++;
        starEnd = n;
      } else if (g < glob.length && (glob[g] == '?' || glob[g] == layer[n])) {
        g++;
        n++;
      } else if (star >= 0) {
        // The last star takes one character more; an earlier one never has to.
        g = star + 1;
        n = ++starEnd;
      } else {
        return false;
      }
    }
    while (g < glob.length && glob[g] == '*') {
      g++;
    }
    return g == glob.length;
  }
}
