"""Make the tiny networks of `tests/fixtures/vision` and their golden logits.

Every folder holds one seeded random network as its own library saves it
(`config.json`, `model.safetensors`) and `golden.json`, what that library
computes with it in float64. Made by, from the root of the repository,

    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 \
        transformers==5.23.0 safetensors==0.8.0
    OMP_NUM_THREADS=1 python scripts/make_tiny_vision.py

Weights and running statistics are drawn so that every one of them matters:
norms are not the identity, layer scales are near one, biases are not zero. The
images are bytes made by a formula that the tests repeat:
byte(row, column, channel, k) = (37 row + 61 column + 101 channel + 17 k + row column) mod 256.

`golden.json` is `{"made_with", "images": k, "logits": [k][classes]}`, the image
k being as large as the network takes it.
"""

import json
import shutil
from pathlib import Path

import timm
import torch
import torchvision
import transformers
from safetensors.torch import save_file
from timm.models.convnext import ConvNeXt
from timm.models.deit import VisionTransformerDistilled
from timm.models.efficientnet import EfficientNet
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.resnet import BasicBlock, ResNet
from timm.models.vgg import VGG, ConvMlp
from timm.models.vision_transformer import VisionTransformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "vision"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
IMAGES = 3


def randomise(net, seed):
    """Draws every parameter and statistic anew."""
    generator = torch.Generator().manual_seed(seed)

    def draw(shape, mean, spread):
        return mean + spread * torch.randn(shape, generator=generator)

    with torch.no_grad():
        for name, value in sorted(net.state_dict().items()):
            if name.endswith("num_batches_tracked"):
                continue
            if name.endswith("running_var"):
                value.copy_(draw(value.shape, 0, 0.3).abs() + 0.5)
            elif name.endswith("running_mean") or name.endswith("bias"):
                value.copy_(draw(value.shape, 0, 0.2))
            elif value.dim() < 2:
                value.copy_(draw(value.shape, 1, 0.3))
            elif value.dim() == 3 or "token" in name:
                value.copy_(draw(value.shape, 0, 0.5))
            else:
                inputs = value[0].numel()
                value.copy_(draw(value.shape, 0, 1.2 / inputs**0.5))


def images(shape):
    channels, height, width = shape
    c, y, x = torch.meshgrid(*map(torch.arange, shape), indexing="ij")
    return torch.stack([(37 * y + 61 * x + 101 * c + 17 * k + y * x) % 256 for k in range(IMAGES)]).double()


def save(name, net, config, shape, by_library=False):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    randomise(net, sum(name.encode()))
    net = net.eval()
    if by_library:
        net.save_pretrained(folder)
    else:
        state = {key: value.contiguous() for key, value in net.state_dict().items()}
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    mean, std = MEAN[: shape[0]], STD[: shape[0]]
    if by_library:
        preprocessor = {"do_resize": False, "do_center_crop": False, "image_mean": mean, "image_std": std,
                        "rescale_factor": 1 / 255, "size": {"height": shape[1], "width": shape[2]}}
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=1) + "\n")
    scale = lambda values: torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)
    x = (images(shape) / 255 - scale(mean)) / scale(std)
    with torch.inference_mode():
        logits = net.double()(x)
    logits = getattr(logits, "logits", logits)
    assert logits.dtype == torch.float64 and logits.std(0).max() > 1e-3, f"{name} answers alike to all images"
    made = f"torch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]}, timm {timm.__version__}, transformers {transformers.__version__}"
    golden = {"made_with": made, "images": IMAGES, "logits": logits.tolist()}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    print(name, sum(file.stat().st_size for file in folder.iterdir()), "bytes", logits[0].tolist()[:3])


def save_compared(name, net, shape, texts, special, ids):
    """A network that compares images with texts, with a tokenizer of whole words; `ids` makes of a list of token ids what the
    network takes."""
    names = [*special, *sorted({word for text in texts for word in text.split()})]
    vocabulary = {word: at for at, word in enumerate(names)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=special[0]))
    tokenizer.pre_tokenizer = Whitespace()
    around = {word: vocabulary[word] for word in special}
    first = f"{special[1]} " if len(special) > 2 else ""
    tokenizer.post_processor = TemplateProcessing(single=f"{first}$A {special[-1]}", special_tokens=list(around.items()))
    tokens = torch.tensor([ids(tokenizer.encode(text).ids) for text in texts])
    whole = net.forward
    compare = lambda x: whole(input_ids=tokens, pixel_values=x).logits_per_image
    # `save` asks for logits of images alone.
    net.forward = compare
    save(name, net, None, shape, True)
    folder = ROOT / name
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": special[1], "unk_token": special[0]}) + "\n")
    golden = json.loads((folder / "golden.json").read_text())
    (folder / "golden.json").write_text(json.dumps({**golden, "classes": texts}) + "\n")


def compared():
    sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)
    vision = dict(sizes, hidden_size=12, image_size=16, patch_size=8)
    texts = ["a cat", "a small red dog", "two cats"]
    # Texts of different lengths, each read at its end token and filled up behind it, which must not matter.
    text = dict(sizes, vocab_size=11, max_position_embeddings=7, eos_token_id=3, bos_token_id=1, pad_token_id=2)
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=10)
    fill = lambda ids: ids + [2] * (7 - len(ids))
    save_compared("clip", transformers.CLIPModel(config), (3, 16, 16), texts, ["<unk>", "<start>", "<fill>", "<end>"], fill)
    text = dict(sizes, hidden_size=12, vocab_size=9, max_position_embeddings=6, projection_size=12)
    config = transformers.SiglipConfig(text_config=text, vision_config=vision)
    fill = lambda ids: ids + [1] * (6 - len(ids))
    save_compared("siglip", transformers.SiglipModel(config), (3, 16, 16), texts, ["<unk>", "</s>"], fill)


def own(architecture, shape, **more):
    scale = {"size": list(shape), "scale": "pixel/255", "mean": MEAN[: shape[0]], "std": STD[: shape[0]]}
    return {"architecture": architecture, "input": scale, **more}


def of_timm(architecture, shape, **more):
    cfg = {"input_size": list(shape), "mean": MEAN, "std": STD, "crop_pct": 1.0, "interpolation": "bicubic"}
    return {"architecture": architecture, "num_classes": 3, "pretrained_cfg": cfg, **more}


class CifarBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.stride, self.more = stride, after - before

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1 or self.more:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return F.relu(y + x)


class CifarResNet(nn.Module):
    def __init__(self, widths, blocks, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        for stage, (before, after) in enumerate(zip([widths[0], *widths], widths)):
            first = CifarBlock(before, after, 2 if stage else 1)
            rest = [CifarBlock(after, after, 1) for _ in range(blocks - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, *rest))
        self.linear = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 5), nn.Conv2d(3, 5, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(80, 12), nn.Linear(12, 9), nn.Linear(9, 4)

    def forward(self, x):
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(torch.tanh(self.conv2(x)), 2).flatten(1)
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


class Mlp(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def main():
    torch.manual_seed(0)
    save("cifar_resnet", CifarResNet([4, 6, 8], 2, 4), own("cifar_resnet", (3, 17, 16)), (3, 17, 16))
    save("lenet", LeNet(), own("lenet", (1, 28, 28), activation="tanh"), (1, 28, 28))
    save("mlp", Mlp([63, 17, 9, 2]), own("mlp", (3, 3, 7), classes=["no", "yes"]), (3, 3, 7))

    resnet = ResNet(BasicBlock, [1, 2, 1, 1], num_classes=3, channels=(4, 6, 8, 10))
    resnet.conv1, resnet.bn1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4)
    resnet.layer1[0].conv1, resnet.layer1[0].downsample = nn.Conv2d(4, 4, 3, 1, 1, bias=False), None
    save("resnet", resnet, of_timm("resnet18", (3, 40, 33)), (3, 40, 33))
    config = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[8, 12, 16, 20], depths=[2, 1, 1, 1], num_labels=3)
    save("resnet_transformers", transformers.ResNetForImageClassification(config), None, (3, 32, 32), True)

    features = torchvision.models.vgg.make_layers([3, "M", 4, 5, "M"], batch_norm=True)
    vgg = nn.Module.__new__(torchvision.models.VGG)
    nn.Module.__init__(vgg)
    vgg.features, vgg.avgpool = features, nn.AdaptiveAvgPool2d(7)
    vgg.classifier = nn.Sequential(nn.Linear(245, 7), nn.ReLU(), nn.Dropout(), nn.Linear(7, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 3))
    save("vgg_bn", vgg, own("vgg11_bn", (3, 20, 30)), (3, 20, 30))
    vgg = VGG(cfg=[3, "M", 4, 5, "M"], num_classes=3)
    vgg.pre_logits = ConvMlp(5, 6, 7)
    vgg.head.fc = nn.Linear(6, 3)
    save("vgg_timm", vgg, of_timm("vgg11", (3, 28, 28)), (3, 28, 28))
    alexnet = nn.Module.__new__(torchvision.models.AlexNet)
    nn.Module.__init__(alexnet)
    conv = lambda a, b, k, s=1, p=0: nn.Conv2d(a, b, k, s, p)
    alexnet.features = nn.Sequential(
        conv(3, 4, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), conv(4, 6, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        conv(6, 7, 3, 1, 1), nn.ReLU(), conv(7, 6, 3, 1, 1), nn.ReLU(), conv(6, 5, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2))
    alexnet.avgpool = nn.AdaptiveAvgPool2d(6)
    alexnet.classifier = nn.Sequential(nn.Dropout(), nn.Linear(180, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 3))
    save("alexnet", alexnet, own("alexnet", (3, 67, 80)), (3, 67, 80))

    sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, image_size=16, patch_size=8, num_labels=3)
    save("vit", transformers.ViTForImageClassification(transformers.ViTConfig(**sizes)), None, (3, 16, 16), True)
    save("deit", transformers.DeiTForImageClassification(transformers.DeiTConfig(**sizes)), None, (3, 16, 16), True)
    save("deit_teacher", transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(**sizes)), None, (3, 16, 16), True)
    # Trained on 4 × 4 patches, used on 2 × 3: the positions are stretched.
    sizes = dict(sizes, image_size=32, mlp_ratio=2)
    save("dinov2", transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**sizes)), None, (3, 16, 24), True)
    sizes = dict(patch_size=8, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, num_classes=3)
    args = dict(model_args={"num_heads": 2})
    save("vit_timm", VisionTransformer(img_size=(16, 24), **sizes), of_timm("vit_tiny_patch16_224", (3, 16, 24), **args), (3, 16, 24))
    save("deit_timm", VisionTransformerDistilled(img_size=16, **sizes), of_timm("deit_tiny_distilled_patch16_224", (3, 16, 16), **args), (3, 16, 16))

    sizes = dict(depths=(2, 1, 1, 1), dims=(4, 6, 8, 10), num_classes=3)
    save("convnext", ConvNeXt(**sizes), of_timm("convnext_tiny", (3, 64, 32)), (3, 64, 32))
    save("convnextv2", ConvNeXt(**sizes, conv_mlp=True, use_grn=True, ls_init_value=None), of_timm("convnextv2_atto", (3, 32, 64)), (3, 32, 64))
    config = transformers.ConvNextConfig(hidden_sizes=[4, 6, 8, 10], depths=[1, 2, 1, 1], image_size=32, num_labels=3)
    save("convnext_transformers", transformers.ConvNextForImageClassification(config), None, (3, 32, 32), True)
    stages = [["ds_r1_k3_s1_e1_c4_se0.25"], ["ir_r2_k3_s2_e3_c6_se0.25"], ["ir_r1_k5_s2_e3_c8_se0.25"], ["ir_r1_k3_s2_e3_c8_se0.25"],
              ["ir_r2_k5_s1_e3_c10_se0.25"], ["ir_r1_k5_s2_e3_c10_se0.25"], ["ir_r1_k3_s1_e3_c12_se0.25"]]
    efficientnet = EfficientNet(decode_arch_def(stages), num_classes=3, num_features=14, stem_size=4, act_layer=nn.SiLU, round_chs_fn=lambda c, **_: int(c))
    compared()
    save("efficientnet", efficientnet, of_timm("efficientnet_b0", (3, 64, 96)), (3, 64, 96))


if __name__ == "__main__":
    main()
