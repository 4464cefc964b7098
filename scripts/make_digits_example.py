#!/usr/bin/env python3
"""Makes the example under jobs/data/digits: what enters the BatchNorm layers of a real net on real images.

Trains a small convolutional net on the 1,797 handwritten digits that scikit-learn ships, then records the
activations of all of them, in mini-batches of 100 (the last has 97), as a recalibration sees them.

    scripts/make_digits_example.py [--output jobs/data/digits]

Needs torch, safetensors and scikit-learn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from dump_activations_torch import dump_activations
from sklearn.datasets import load_digits
from torch import Tensor, nn

SEED = 20_240_607
EPOCHS = 12
TRAINING_IMAGES = 1_437
MINI_BATCH = 100
DEFAULT_OUTPUT = Path(__file__).resolve().parents[1] / "jobs" / "data" / "digits"


class DigitsNet(nn.Module):
    """Two strided convolutions and two linear layers, with BatchNorm after the first three."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False)  # [N, 1, 8, 8] -> [N, 8, 4, 4]
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)  # -> [N, 16, 2, 2]
        self.bn2 = nn.BatchNorm2d(16)
        self.fc1 = nn.Linear(64, 32, bias=False)
        self.bn3 = nn.BatchNorm1d(32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.bn1(self.conv1(images)).relu()
        hidden = self.bn2(self.conv2(hidden)).relu()
        hidden = self.bn3(self.fc1(hidden.flatten(1))).relu()
        return self.fc2(hidden)


def load_images() -> tuple[Tensor, Tensor]:
    """All images as [1797, 1, 8, 8] in 0..1 with their labels, shuffled."""
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(SEED))
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    return images[order], torch.tensor(digits.target)[order]


def mini_batches(images: Tensor) -> list[Tensor]:
    """In the order given; 1,797 images leave a last mini-batch of 97, never of one."""
    return list(images.split(MINI_BATCH))


def train(images: Tensor, labels: Tensor) -> DigitsNet:
    torch.manual_seed(SEED)
    model = DigitsNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    shuffler = torch.Generator().manual_seed(SEED)
    for _ in range(EPOCHS):
        # The last chunk of 13 images is large enough for a mini-batch of its own.
        for chunk in torch.randperm(len(images), generator=shuffler).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[chunk]), labels[chunk]).backward()
            optimizer.step()
    return model


@torch.no_grad()
def accuracy(model: DigitsNet, images: Tensor, labels: Tensor) -> float:
    model.eval()
    return (model(images).argmax(1) == labels).double().mean().item()


def remove_recording(folder: Path) -> None:
    """Makes room for a new recording of the committed example; any other folder is the user's to empty."""
    for old in folder.glob("*.safetensors"):
        old.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the digits net and records its activations.")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="folder (default: jobs/data/digits)")
    output = parser.parse_args().output
    # One thread: the sums of several come in another order from run to run.
    torch.set_num_threads(1)
    images, labels = load_images()
    model = train(images[:TRAINING_IMAGES], labels[:TRAINING_IMAGES])
    held_out = images[TRAINING_IMAGES:], labels[TRAINING_IMAGES:]
    print(f"accuracy: {accuracy(model, *held_out):.4f} on {len(held_out[0])} held-out digits")
    if output == DEFAULT_OUTPUT:
        remove_recording(output)
    written = dump_activations(model, mini_batches(images), output)
    size = sum(path.stat().st_size for path in output.glob("*.safetensors"))
    print(f"{written} mini-batches, {size:,} bytes in {output}")


if __name__ == "__main__":
    main()
