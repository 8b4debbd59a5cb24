"""A GPU computes what the CPU does, and what is too far off is named."""

import pytest
import torch

from companion.gpu import checks


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_reads_and_trains_as_the_cpu():
    checks.every(torch.device("cuda"), {})


def test_checks_find_what_is_too_far():
    assert checks.too_far("t5-mini float32", {"activation": 0.01, "score": 0.0}) == {"activation": 0.01}
    assert checks.too_far("t5-mini bfloat16", {"activation": 0.01, "score": 0.0}) == {}
    assert checks.too_far("memory", {"left": 1.0}) == {"left": 1.0}
    assert "loss" in checks.too_far("t5 steps", {"loss": float("nan")})
