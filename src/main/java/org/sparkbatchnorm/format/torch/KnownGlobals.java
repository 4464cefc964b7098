package org.sparkbatchnorm.format.torch;

import java.util.Optional;
import java.util.Set;

/** The globals that are understood: what state dicts are made of. */
final class KnownGlobals {
  static final String ORDERED_DICT = "collections.OrderedDict";
  static final String TENSOR_V2 = "torch._utils._rebuild_tensor_v2";
  static final String TENSOR_V3 = "torch._utils._rebuild_tensor_v3";
  static final String PARAMETER = "torch._utils._rebuild_parameter";
  static final String PARAMETER_WITH_STATE = "torch._utils._rebuild_parameter_with_state";

  private static final Set<String> FUNCTIONS =
      Set.of(ORDERED_DICT, TENSOR_V2, TENSOR_V3, PARAMETER, PARAMETER_WITH_STATE);

  private static final String STORAGE = "Storage";

  private KnownGlobals() {}

  static boolean contains(String name) {
    return isFunction(name) || ofStorage(name).isPresent() || ofDtype(name).isPresent();
  }

  /** Whether a call of it is understood. */
  static boolean isFunction(String name) {
    return FUNCTIONS.contains(name);
  }

  /** Whether a call of it makes a tensor. */
  static boolean makesTensor(String name) {
    return isFunction(name) && !name.equals(ORDERED_DICT);
  }

  /** The type of the elements of a class of storages; bytes where it does not say. */
  static Optional<TorchType> ofStorage(String name) {
    for (String module : new String[] {"torch.storage.", "torch."}) {
      if (name.startsWith(module) && name.endsWith(STORAGE)) {
        return TorchType.ofStorage(
            name.substring(module.length(), name.length() - STORAGE.length()));
      }
    }
    return Optional.empty();
  }

  /** The type of this name, as {@code torch.uint16}. */
  static Optional<TorchType> ofDtype(String name) {
    return name.startsWith("torch.")
        ? TorchType.ofDtype(name.substring("torch.".length()))
        : Optional.empty();
  }
}
