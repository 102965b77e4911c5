"""Counter-based random numbers: a pure function of (seed, stream, index), with no state to carry.

Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), the generator behind
`numpy.random.Philox`, computed for many counters at once. Every sample owns its counters, so any worker in any
order draws the same numbers.
"""

import numpy as np
from jaxtyping import Float64, Int64, UInt64
from numba import njit

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)


@njit(cache=True, inline="always")
def _high(a: np.uint64, b: np.uint64) -> np.uint64:
    """Upper 64 bits of the 128-bit product a * b."""
    al, ah, bl, bh = a & _LOW, a >> _32, b & _LOW, b >> _32
    low, m1, m2 = al * bl, ah * bl, al * bh
    carry = (low >> _32) + (m1 & _LOW) + (m2 & _LOW)
    return ah * bh + (m1 >> _32) + (m2 >> _32) + (carry >> _32)


@njit(cache=True)
def _philox(key0: np.uint64, key1: np.uint64, counter: np.ndarray, out: np.ndarray) -> None:
    """out[i] (4 words) = Philox4x64-10 of counter[i] (4 words)."""
    for i in range(counter.shape[0]):
        c0, c1, c2, c3 = counter[i]
        k0, k1 = key0, key1
        for _ in range(10):
            h0, l0, h1, l1 = _high(_M0, c0), _M0 * c0, _high(_M1, c2), _M1 * c2
            c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
            k0 += _W0
            k1 += _W1
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = c0, c1, c2, c3


def words(seed: int, stream: int, index: Int64[np.ndarray, "n"], count: int) -> UInt64[np.ndarray, "n count"]:
    """`count` random 64-bit words for each index; key = (seed, stream), counter = (index, block, 0, 0)."""
    blocks = -(-count // 4)
    counter = np.zeros((len(index), blocks, 4), np.uint64)
    counter[..., 0] = np.asarray(index, np.uint64)[:, None]
    counter[..., 1] = np.arange(blocks, dtype=np.uint64)
    out = np.empty((len(index) * blocks, 4), np.uint64)
    _philox(np.uint64(seed), np.uint64(stream), counter.reshape(-1, 4), out)
    return out.reshape(len(index), blocks * 4)[:, :count]


def uniforms(seed: int, stream: int, index: Int64[np.ndarray, "n"], count: int) -> Float64[np.ndarray, "n count"]:
    """`count` numbers in [0, 1) for each index, with 53 random bits each."""
    return (words(seed, stream, index, count) >> np.uint64(11)) * 2.0**-53


def step_seed(seed: int, step: int, stream: int = 0) -> int:
    """A 63-bit seed for what is random in training step `step` of a run with seed `seed`; streams are independent."""
    return int(words(seed, (1 << 32) + stream, np.array([step]), 1)[0, 0] >> np.uint64(1))
