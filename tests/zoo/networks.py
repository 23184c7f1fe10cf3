"""Whole networks: those of MindCV under their own names, and small definitions of our own."""

from __future__ import annotations

import numpy as np
from layers import Attention
from mindspore import Parameter, Tensor, nn
from mindspore.ops import operations as P  # noqa: N812 — MindSpore's own usual name for it
from net import Net

CLASSES = 10


def _conv(first: int, last: int, size: int, stride: int = 1) -> nn.SequentialCell:
    """Convolution with bias, then ReLU."""
    return nn.SequentialCell(nn.Conv2d(first, last, size, stride, pad_mode="same", has_bias=True), nn.ReLU())


def _conv_norm(first: int, last: int, size: int, stride: int = 1) -> nn.SequentialCell:
    """Convolution, batch normalization, leaky ReLU."""
    conv = nn.Conv2d(first, last, size, stride, pad_mode="same")
    return nn.SequentialCell(conv, nn.BatchNorm2d(last), nn.LeakyReLU(0.1))


def mini_alexnet() -> nn.Cell:
    """AlexNet's order of layers, narrow, for [B, 3, 32, 32]."""
    return nn.SequentialCell(
        _conv(3, 8, 5, 2),
        nn.MaxPool2d(3, 2),
        _conv(8, 13, 5),
        nn.MaxPool2d(3, 2),
        _conv(13, 16, 3),
        _conv(16, 13, 3),
        nn.Flatten(),
        nn.Dense(13 * 3 * 3, 29, activation="relu"),
        nn.Dense(29, CLASSES),
    )


class GlobalMean(nn.Cell):
    """Mean over the image: [B, C, H, W] → [B, C]."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = P.ReduceMean()

    def construct(self, x):
        return self.mean(x, (2, 3))


def nin() -> nn.Cell:
    """Network in network: each convolution followed by two of 1x1."""
    return nn.SequentialCell(
        _conv(3, 13, 5),
        _conv(13, 11, 1),
        _conv(11, 7, 1),
        nn.MaxPool2d(3, 2, pad_mode="same"),
        _conv(7, 13, 5),
        _conv(13, 13, 1),
        _conv(13, 13, 1),
        nn.AvgPool2d(3, 2, pad_mode="same"),
        _conv(13, 13, 3),
        _conv(13, CLASSES, 1),
        GlobalMean(),
    )


class EncoderLayer(nn.Cell):
    """One layer of BERT: attention and a feed-forward net, each added and normalized."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.norm1 = nn.LayerNorm((width,), epsilon=1e-6)
        self.up = nn.Dense(width, 2 * width)
        self.gelu = nn.GELU()
        self.down = nn.Dense(2 * width, width)
        self.norm2 = nn.LayerNorm((width,), epsilon=1e-6)

    def construct(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.down(self.gelu(self.up(x))))


class Encoder(nn.Cell):
    """A TinyBERT-like classifier: token and position embeddings, two layers, the first token's pooled state."""

    def __init__(self, words: int = 53, length: int = 11, width: int = 16) -> None:
        super().__init__()
        self.tokens = nn.Embedding(words, width)
        self.positions = Parameter(Tensor(np.zeros((1, length, width), np.float32)), name="positions")
        self.norm = nn.LayerNorm((width,))
        self.first = EncoderLayer(width, 4)
        self.second = EncoderLayer(width, 4)
        self.pool = nn.Dense(width, width)
        self.tanh = nn.Tanh()
        self.head = nn.Dense(width, CLASSES)

    def construct(self, ids):
        x = self.norm(self.tokens(ids) + self.positions)
        x = self.second(self.first(x))
        return self.head(self.tanh(self.pool(x[:, 0])))


class LstmClassifier(nn.Cell):
    """Embedding, LSTM, the last time step's output, dense."""

    def __init__(self, *, layers: int = 1, both_ways: bool = False, batch: int = 3) -> None:
        super().__init__()
        ways = 2 if both_ways else 1
        self.tokens = nn.Embedding(31, 13)
        self.lstm = nn.LSTM(13, 11, num_layers=layers, batch_first=True, bidirectional=both_ways)
        zero = Tensor(np.zeros((layers * ways, batch, 11), np.float32))
        self.start = (zero, zero)
        self.head = nn.Dense(11 * ways, CLASSES)

    def construct(self, ids):
        states, _ = self.lstm(self.tokens(ids), self.start)
        return self.head(states[:, -1])


class Vae(nn.Cell):
    """A variational autoencoder that returns its loss; the noise is an input, so that runs can be compared."""

    def __init__(self, size: int = 49, hidden: int = 23, latent: int = 5) -> None:
        super().__init__()
        self.encode = nn.Dense(size, hidden, activation="relu")
        self.mean = nn.Dense(hidden, latent)
        self.log_variance = nn.Dense(hidden, latent)
        self.decode = nn.Dense(latent, hidden, activation="relu")
        self.out = nn.Dense(hidden, size)
        self.sigmoid = nn.Sigmoid()
        self.exp = P.Exp()
        self.sum = P.ReduceSum()
        self.average = P.ReduceMean()

    def construct(self, x, noise):
        hidden = self.encode(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + noise * self.exp(0.5 * log_variance)
        image = self.sigmoid(self.out(self.decode(code)))
        error = self.average(self.sum((image - x) * (image - x), 1))
        divergence = -0.5 * self.sum(1 + log_variance - mean * mean - self.exp(log_variance), 1)
        return error + self.average(divergence)


def backbone() -> nn.Cell:
    """The feature half of the transfer-learning pair: [B, 3, 32, 32] → [B, 20]."""
    return nn.SequentialCell(_conv_norm(3, 8, 3, 2), _conv_norm(8, 12, 3, 2), _conv_norm(12, 20, 3, 2), GlobalMean())


def head() -> nn.Cell:
    """The trained half of the transfer-learning pair: [B, 20] → [B, 10]."""
    return nn.SequentialCell(nn.Dense(20, 17, activation="relu"), nn.Dense(17, CLASSES))


class Frozen(nn.Cell):
    """`net` held in inference mode and out of training."""

    def __init__(self, net: nn.Cell) -> None:
        super().__init__()
        self.net = net
        for param in net.get_parameters():
            param.requires_grad = False

    def add_flags_recursive(self, **flags):
        """Keep `set_train` from reaching the batch normalizations inside."""
        if "training" in flags:
            flags["training"] = False
        return super().add_flags_recursive(**flags)

    def construct(self, x):
        return self.net(x)


class Transfer(nn.Cell):
    """A frozen backbone with a trained head."""

    def __init__(self, features: nn.Cell, last: nn.Cell) -> None:
        super().__init__()
        self.backbone = Frozen(features)
        self.head = last

    def construct(self, x):
        return self.head(self.backbone(x))


class Yolo(nn.Cell):
    """A detector on a 4x4 grid with two boxes of (x, y, w, h, objectness, 3 classes); returns its loss.

    The target is [B, 4, 4, 2, 8]; where its objectness is 0 only the objectness counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.SequentialCell(_conv_norm(3, 8, 3, 2), _conv_norm(8, 16, 3, 2), _conv_norm(16, 24, 3, 2))
        self.head = nn.Conv2d(24, 2 * 8, 1, has_bias=True)
        self.sigmoid = nn.Sigmoid()
        self.entropy = P.SigmoidCrossEntropyWithLogits()
        self.reshape = P.Reshape()
        self.transpose = P.Transpose()
        self.sum = P.ReduceSum()

    def construct(self, image, target):
        raw = self.head(self.body(image))
        batch = raw.shape[0]
        grid = self.reshape(self.transpose(raw, (0, 2, 3, 1)), (batch, 4, 4, 2, 8))
        there = target[:, :, :, :, 4:5]
        places = self.sigmoid(grid[:, :, :, :, 0:2]) - target[:, :, :, :, 0:2]
        sizes = grid[:, :, :, :, 2:4] - target[:, :, :, :, 2:4]
        boxes = self.sum(there * (places * places + sizes * sizes))
        objects = self.sum(self.entropy(grid[:, :, :, :, 4:5], there))
        kinds = self.sum(there * self.entropy(grid[:, :, :, :, 5:8], target[:, :, :, :, 5:8]))
        return (boxes + objects + kinds) / batch


class Same(nn.Cell):
    """What stands where a random layer was."""

    def construct(self, x):
        return x


def without_chance(net: nn.Cell) -> nn.Cell:
    """Replace every Dropout and DropPath, so that ten steps can be compared number by number."""
    for _, cell in list(net.cells_and_names()):
        for index, (name, child) in enumerate(list(cell.name_cells().items())):
            if type(child).__name__ not in ("Dropout", "DropPath"):
                continue
            if isinstance(cell, nn.SequentialCell):
                cell[index] = Same()
            else:
                setattr(cell, name, Same())
    return net


def mindcv(*names: str) -> nn.Cell:
    """Make the first model of `names` that this MindCV knows (they were renamed between versions)."""
    from mindcv.models import create_model
    from mindcv.models.registry import list_models

    known = list_models()
    name = next(name for name in names if name in known)
    return create_model(name, num_classes=CLASSES)


def _mindcv(*names: str) -> nn.Cell:
    """A MindCV model for training."""
    return without_chance(mindcv(*names))


class ClassifierOnly(nn.Cell):
    """A MindCV network of which only the classifier is trained; its normalizations still follow the data."""

    def __init__(self, net: nn.Cell) -> None:
        super().__init__()
        self.net = net
        for param in net.get_parameters():
            param.requires_grad = "classifier" in param.name or "mlp_head" in param.name

    def construct(self, x):
        return self.net(x)


class Main(nn.Cell):
    """The main output of a network that returns auxiliary ones in training."""

    def __init__(self, net: nn.Cell) -> None:
        super().__init__()
        self.net = net

    def construct(self, x):
        y = self.net(x)
        if isinstance(y, tuple):
            return y[0]
        return y


def _image(build, side: int = 64, gain: float = 2.0, lift: float = 2.0, swing: float = 1.0) -> Net:
    """A classifier of [4, 3, side, side]; most inputs of its activations stay away from the kink at zero."""
    return Net(build, ((4, 3, side, side),), (4, CLASSES), gain, lift, swing)


def _effnet() -> nn.Cell:
    return _mindcv("efficientnet_b0")


def _vgg() -> nn.Cell:
    """VGG-11 with a narrow classifier: its own takes 7x7 images and has 120 million weights."""
    net = _mindcv("vgg11")
    net.classifier = nn.SequentialCell(nn.Dense(512, 64, activation="relu"), nn.Dense(64, CLASSES))
    return net


OWN = {
    "mini_alexnet": Net(mini_alexnet, ((3, 3, 32, 32),), (3, CLASSES)),
    "nin": Net(nin, ((3, 3, 32, 32),), (3, CLASSES), 2.0),
    "encoder": Net(Encoder, (("ids", (3, 11), 53),), (3, CLASSES)),
    "lstm_classifier": Net(LstmClassifier, (("ids", (3, 7), 31),), (3, CLASSES)),
    "lstm2_classifier": Net(lambda: LstmClassifier(layers=2), (("ids", (3, 7), 31),), (3, CLASSES)),
    "bilstm_classifier": Net(lambda: LstmClassifier(both_ways=True), (("ids", (3, 7), 31),), (3, CLASSES)),
    "bilstm2_classifier": Net(lambda: LstmClassifier(layers=2, both_ways=True), (("ids", (3, 7), 31),), (3, CLASSES)),
    "vae": Net(Vae, (("bits", (4, 49)), (4, 5)), (), 0.3),
    "transfer_backbone": Net(backbone, ((4, 3, 32, 32),), (4, 20), 2.0),
    "transfer_head": Net(head, ((4, 20),), (4, CLASSES)),
    "transfer_joined": Net(lambda: Transfer(backbone(), head()), ((4, 3, 32, 32),), (4, CLASSES), 2.0),
    "yolo": Net(Yolo, ((3, 3, 32, 32), ("bits", (3, 4, 4, 2, 8))), ()),
}

MINDCV = {
    "mobilenetv1": _image(lambda: _mindcv("mobilenet_v1_025", "mobilenet_v1_025_224")),
    "mobilenetv2": _image(lambda: _mindcv("mobilenet_v2_035_96"), lift=3.0),
    "mobilenetv3": _image(lambda: _mindcv("mobilenet_v3_small_075")),
    "effnet": _image(_effnet, lift=0.0, swing=0.5),
    "effnet_tune": _image(lambda: ClassifierOnly(_effnet()), lift=0.0),
    "effnet_tune_eval": _image(lambda: Transfer(_effnet(), nn.Dense(CLASSES, CLASSES)), lift=0.0),
    "resnet18": _image(lambda: _mindcv("resnet18")),
    "resnet50": _image(lambda: _mindcv("resnet50"), gain=1.0, lift=2.0, swing=0.4),
    "googlenet": _image(lambda: Main(_mindcv("googlenet")), lift=3.0),
    "densenet": _image(lambda: _mindcv("densenet121"), swing=0.0),
    "shufflenetv2": _image(lambda: _mindcv("shufflenet_v2_x0_5")),
    "xception": _image(lambda: _mindcv("xception"), side=48, lift=4.0),
    "vgg": _image(_vgg, side=32, lift=0.0),
}

NETS = {**OWN, **MINDCV}
