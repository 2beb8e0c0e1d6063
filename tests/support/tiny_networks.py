"""Tiny random networks in the file layout of the released ones: they prove wiring and numbers, never quality."""

from pathlib import Path

import torch


def write_tiny_sam(folder: Path, seed: int = 0) -> None:
    """Segment Anything for pictures of 64 pixels."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    config = SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=32,
            output_channels=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=64,
            patch_size=16,
            window_size=2,
            global_attn_indexes=[1],
            mlp_dim=64,
            num_pos_feats=8,
        ),
        prompt_encoder_config=SamPromptEncoderConfig(
            hidden_size=16, image_size=64, patch_size=16, mask_input_channels=4, image_embedding_size=4
        ),
        mask_decoder_config=SamMaskDecoderConfig(
            hidden_size=16, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=16
        ),
    )
    _write(SamModel, config, folder, seed)


def write_tiny_depth_anything(folder: Path, seed: int = 0, kind: str = "relative") -> None:
    """Depth Anything V2 with four narrow blocks."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=518,
        patch_size=14,
        out_indices=[1, 2, 3, 4],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        depth_estimation_type=kind,
    )
    _write(DepthAnythingForDepthEstimation, config, folder, seed)


def write_tiny_dinov2(folder: Path, registers: bool = False, patch: int = 14, seed: int = 0) -> None:
    """DINOv2 with two narrow blocks and positions for pictures of 518 pixels."""
    import transformers

    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "mlp_ratio": 2,
        "image_size": 518,
        "patch_size": patch,
    }
    if registers:
        config = transformers.Dinov2WithRegistersConfig(**sizes, num_register_tokens=4)
        _write(transformers.Dinov2WithRegistersModel, config, folder, seed)
    else:
        _write(transformers.Dinov2Model, transformers.Dinov2Config(**sizes), folder, seed)


def _write(network_class, config, folder: Path, seed: int) -> None:
    """Save a network whose weights are random and much larger than fresh ones, so that its outputs vary."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = network_class(config)
        with torch.no_grad():
            for weights in network.parameters():
                if weights.ndim > 1:
                    weights.normal_(0, 0.2)
    network.save_pretrained(folder)
