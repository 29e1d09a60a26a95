"""New conditions leave a network unchanged."""

import torch

from forecast.networks.embedding import NoiseEmbedding, widen_scalars


def test_a_widened_embedding_ignores_new_scalars():
    torch.manual_seed(0)
    narrow, wide = NoiseEmbedding(2, 8), NoiseEmbedding(5, 8)
    weights = narrow.state_dict()
    weights["layers.0.weight"] = widen_scalars(weights["layers.0.weight"], known=2, wanted=5)
    wide.load_state_dict(weights)
    label, known, new = torch.randn(4), torch.randn(4, 2), torch.randn(4, 3)
    torch.testing.assert_close(wide(label, torch.cat([known, new], dim=1)), narrow(label, known))
