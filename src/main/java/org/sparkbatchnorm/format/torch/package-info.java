/**
 * Files of {@code torch.save} (PyTorch 1.6 and later): a zip with a pickle that describes what was
 * saved, and the bytes of each storage as an entry of its own.
 *
 * <pre>
 * FOLDER/data.pkl      the pickle (protocols 2 to 5)
 * FOLDER/byteorder     little or big; little if it is missing
 * FOLDER/data/KEY      a storage: its elements, as they are
 * FOLDER/version       3
 * FOLDER/spark-batchnorm.json    ours: metadata, {KEY: STRING, ...}
 *
 * state dict           {NAME: TENSOR, ...}, a dict or an OrderedDict
 * TENSOR               _rebuild_tensor_v2(STORAGE, first element, shape, strides, requires_grad, hooks)
 *                      _rebuild_tensor_v3(the same, dtype); _rebuild_parameter(TENSOR, ...)
 * STORAGE              persistent id ('storage', class, KEY, location, number of elements)
 * </pre>
 *
 * <p>Format: torch/serialization.py ({@code _save}, {@code _load}), torch/_utils.py, Python's
 * pickletools. A pickle is a program; it is walked through here, never run. What it would import or
 * call becomes a node with a name. A real training checkpoint holds an optimizer, an epoch and an
 * argparse.Namespace beside its state dict; only what stands inside the state dict must be
 * understood.
 *
 * <p>New files are plain dicts, which PyTorch loads with {@code weights_only=True}. JDK only; no
 * layers or statistics here: names are opaque.
 */
package org.sparkbatchnorm.format.torch;
