"""The half precision that a device computes fast in."""

import torch


def fast_precision(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device computes with it, float32 where it would only imitate it, many times slower.

    Args:
        device: Where to compute.
    """
    if device.type == "cpu" and not _processor_has_bfloat16():
        return torch.float32
    return torch.bfloat16


def _processor_has_bfloat16() -> bool:
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
