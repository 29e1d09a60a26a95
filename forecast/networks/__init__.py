"""Denoiser backbones: tensors in, tensors out."""
