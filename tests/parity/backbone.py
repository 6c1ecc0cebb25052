#!/usr/bin/env python3
"""ResNet-18, 34, 50 and 101 beside PyTorch: random weights and running statistics under torchvision's names, random patches, float32.

    tests/parity/backbone.py PARITY_BACKBONE      the program of tests/parity/backbone.cpp; exits with 77 where there is no torch
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
except ImportError as missing:
    print(f"skipped: {missing} (Debian: python3-torch)")
    sys.exit(77)

import tensor_files

# Blocks of each stage, and whether they are bottlenecks.
NETWORKS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def convolution(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


class Basic(nn.Module):
    growth = 1

    def __init__(self, inputs, width, stride, downsample):
        super().__init__()
        self.conv1, self.bn1 = convolution(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    growth = 4

    def __init__(self, inputs, width, stride, downsample):
        super().__init__()
        self.conv1, self.bn1 = convolution(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = convolution(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, blocks, block):
        super().__init__()
        self.conv1, self.bn1 = convolution(3, 64, 7, 2), nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for stage, count in enumerate(blocks):
            width, made = 64 << stage, []
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                outputs = width * block.growth
                downsample = None
                if stride != 1 or inputs != outputs:
                    downsample = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
                made.append(block(inputs, width, stride, downsample))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(inputs, 1000)  # in every file of weights, and unused

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return x.mean((2, 3))


def random_network(name):
    blocks, bottleneck = NETWORKS[name]
    network = ResNet(blocks, Bottleneck if bottleneck else Basic)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in ((module.weight, 0.5, 1.1), (module.bias, -0.3, 0.3), (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2)):
                nn.init.uniform_(values, low, high)
    return network.eval()


def check(program, folder, name, side):
    network = random_network(name)
    patches = torch.randint(0, 256, (3, side, side, 3), dtype=torch.uint8)
    images = (patches.float() / 255 - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
    with torch.no_grad():
        features = network(images.permute(0, 3, 1, 2).contiguous())
    weights, case = folder / "weights.safetensors", folder / "case.safetensors"
    tensor_files.write(weights, {key: value.numpy() for key, value in network.state_dict().items()})
    tensor_files.write(case, {"patches": patches.numpy(), "features": features.numpy()})
    return subprocess.run([program, name, weights, case]).returncode


def main():
    torch.manual_seed(7)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, side in (("resnet18", 64), ("resnet18", 45), ("resnet34", 32), ("resnet50", 64), ("resnet101", 64)):
            failed += check(sys.argv[1], pathlib.Path(folder), name, side) != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
