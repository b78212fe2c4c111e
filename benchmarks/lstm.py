"""A candidate: the critic's LSTM with both of its derivatives written out for the penalty.

The package does not use it yet. Per step of the critic at published sizes it was measured 1.5
times as fast as the textbook in float32 and 2.5 times in bfloat16; what bfloat16 does to the
patients that are made has not been measured.

The gradient penalty is itself made of a slope, so training differentiates twice. Autograd can do
that with ``nn.LSTM``, but records some dozens of small operations a month to do so. Here the second
derivative is taken as it would be on paper. Let u be the slope that arrives at the final memory,
and v a direction in which the input moves. Because J is linear in both,

    <v, slope of the input> = <u, J v>,

where J v is the *tangent*: how fast the final memory moves as the input moves along v. So the
second derivative is the tangent of the first: each line of ``_Slope.forward`` reappears in
``_Slope.backward`` with the product rule applied to it. ``_dot`` marks tangents.

A tanh is a stretched logistic sigmoid, tanh(a) = 2 sigmoid(2 a) - 1. So the weights of the "new"
gate are doubled, all four gates are sigmoids, and one formula serves them all.

Shapes: 2 directions, T months, B patients, I inputs, H memories. Products of matrices are taken
in ``x.dtype``, everything else in float32. The slope can be differentiated again with respect to
the input only: the penalty needs no more.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

sigmoid_slope = torch.ops.aten.sigmoid_backward  # (slope, sigmoid(a)) → slope of a


@cache
def fast_dtype() -> torch.dtype:
    """Return bfloat16 where the processor multiplies it faster than float32, else float32."""
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def final_memories(lstm: nn.LSTM, x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what a one-layer bidirectional ``lstm`` remembers at its two ends.

    Args:
        lstm: its weights are used.
        x: ``(B, T, I)``.
        dtype: of the matrix products, float32 or bfloat16.

    Returns:
        ``(B, 2 * H)``, as ``lstm(x)[1][0]`` of both directions side by side.
    """
    months = x.transpose(0, 1).to(dtype)  # (T, B, I)
    months = torch.stack([months, months.flip(0)])  # (2, T, B, I)
    doubled = x.new_ones(4, lstm.hidden_size)
    doubled[2] = 2  # the new gate: see above
    doubled = doubled.flatten()  # (4 * H,)
    w_x, w_h, b_x, b_h = (torch.stack(both) for both in zip(*lstm.all_weights, strict=True))
    weight = torch.cat([w_x, w_h], dim=2) * doubled.unsqueeze(1)  # (2, 4 * H, I + H)
    bias = ((b_x + b_h) * doubled).unsqueeze(1)  # (2, 1, 4 * H)
    return _FinalMemory.apply(months, weight.to(dtype), bias.to(dtype)).transpose(0, 1).flatten(1)


class _FinalMemory(Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        hidden = weight.shape[1] // 4
        seen = _followed_by_memory(x, hidden)  # (2, T + 1, B, I + H)
        gates = _float32(x, hidden * 4)  # (2, T, B, 4 * H)
        cells, squashed = _float32(x, hidden, more=1), _float32(x, hidden)
        z, gate, c, s = (tensor.unbind(1) for tensor in (seen, gates, cells, squashed))
        for t in range(x.shape[1]):
            gate[t].copy_(torch.baddbmm(bias, z[t], weight.mT)).sigmoid_()
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            torch.addcmul((2 * new).sub_(1).mul_(enter), forget, c[t], out=c[t + 1])
            torch.mul(c[t + 1], 2, out=s[t]).sigmoid_().mul_(2).sub_(1)  # tanh
            z[t + 1][..., -hidden:] = leave * s[t]
        ctx.save_for_backward(x, weight, bias, seen, gates, cells, squashed)
        return z[-1][..., -hidden:].float()  # (2, B, H)

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor | None, ...]:
        # Gradients are on here only if the slope is to be differentiated again.
        return _Slope.apply(slope, *ctx.saved_tensors, not torch.is_grad_enabled())


class _Slope(Function):
    @staticmethod
    def forward(ctx, u, x, weight, bias, seen, gates, cells, squashed, of_weights):
        hidden = u.shape[2]
        slopes = torch.empty_like(gates, dtype=x.dtype)  # of what the gates were made of
        slopes_z = torch.empty_like(seen[:, 1:])
        slopes_c = torch.empty_like(squashed)
        everything = (gates, cells, squashed, slopes, slopes_z, slopes_c)
        gate, c, s, a, z, of_c = (tensor.unbind(1) for tensor in everything)
        m, carry = u, torch.zeros_like(u)  # slopes of this month's memory, and of its cell
        for t in reversed(range(x.shape[1])):
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            torch.addcmul(carry, m * leave, 1 - s[t] * s[t], out=of_c[t])
            of_gates = (of_c[t] * (2 * new).sub_(1), of_c[t] * c[t], 2 * of_c[t] * enter, m * s[t])
            a[t].copy_(sigmoid_slope(torch.cat(of_gates, dim=2), gate[t]))
            z[t].copy_(torch.bmm(a[t], weight))
            m, carry = z[t][..., -hidden:].float(), of_c[t] * forget
        ctx.save_for_backward(u, weight, seen, gates, cells, squashed, slopes, slopes_z, slopes_c)
        of_x = slopes_z[..., :-hidden]
        if not of_weights:
            return of_x, None, None
        return of_x, _weights(slopes, seen), slopes.sum(dim=(1, 2)).unsqueeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx, v, _weight, _bias):
        u, weight, seen, gates, cells, squashed, slopes, slopes_z, slopes_c = ctx.saved_tensors
        hidden = u.shape[2]
        seen_dot = _followed_by_memory(v, hidden)
        gates_dot, cells_dot = torch.empty_like(gates), torch.zeros_like(cells)
        everything = (gates, cells, squashed, slopes, slopes_z, slopes_c)
        gate, c, s, a, z, of_c = (tensor.unbind(1) for tensor in everything)
        z_dot, a_dot, c_dot = (w.unbind(1) for w in (seen_dot, gates_dot, cells_dot))
        for t in range(v.shape[1]):  # the tangent of _FinalMemory.forward
            a_dot[t].copy_(torch.bmm(z_dot[t], weight.mT))
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            enter_dot, forget_dot, new_dot, leave_dot = _gate_dot(a_dot[t], gate[t])
            torch.mul(forget, c_dot[t], out=c_dot[t + 1])
            c_dot[t + 1].addcmul_(forget_dot, c[t]).addcmul_(enter, new_dot, value=2)
            c_dot[t + 1].addcmul_(enter_dot, (2 * new).sub_(1))
            s_dot = (1 - s[t] * s[t]).mul_(c_dot[t + 1])
            memory_dot = (leave * s_dot).addcmul_(leave_dot, s[t])
            z_dot[t + 1][..., -hidden:] = memory_dot

        slopes_dot, of_x_dot = torch.empty_like(slopes), torch.empty_like(v)
        m_dot = carry_dot = torch.zeros_like(u)
        for t in reversed(range(v.shape[1])):  # the tangent of _Slope.forward
            m = u if t + 1 == v.shape[1] else z[t + 1][..., -hidden:].float()
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            enter_dot, forget_dot, new_dot, leave_dot = _gate_dot(a_dot[t], gate[t])
            room = 1 - s[t] * s[t]
            s_dot = room * c_dot[t + 1]
            of_c_dot = (m_dot * leave).addcmul_(m, leave_dot).mul_(room).add_(carry_dot)
            of_c_dot.addcmul_((m * leave).mul_(s[t]), s_dot, value=-2)
            of_gates_dot = (
                (of_c_dot * (2 * new).sub_(1)).addcmul_(of_c[t], new_dot, value=2),
                (of_c_dot * c[t]).addcmul_(of_c[t], c_dot[t]),
                (of_c_dot * enter).addcmul_(of_c[t], enter_dot).mul_(2),
                (m_dot * s[t]).addcmul_(m, s_dot),
            )
            bend = (1 - 2 * gate[t]).mul_(a_dot[t])  # of the sigmoid, in units of its slope
            of_a_dot = sigmoid_slope(torch.cat(of_gates_dot, dim=2), gate[t])
            slopes_dot[:, t] = of_a_dot.addcmul_(bend, a[t])
            of_z_dot = torch.bmm(slopes_dot[:, t], weight)
            of_x_dot[:, t] = of_z_dot[..., :-hidden]
            m_dot = of_z_dot[..., -hidden:].float()
            carry_dot = (of_c_dot * forget).addcmul_(of_c[t], forget_dot)
        of_weight = _weights(slopes_dot, seen) + _weights(slopes, seen_dot)
        of_bias = slopes_dot.sum(dim=(1, 2)).unsqueeze(1)
        return memory_dot, of_x_dot, of_weight, of_bias, None, None, None, None, None


def _followed_by_memory(x: Tensor, hidden: int) -> Tensor:
    """Return ``(2, T + 1, B, I + H)``: each month's input and, still to come, the last memory."""
    seen = x.new_empty(2, x.shape[1] + 1, x.shape[2], x.shape[3] + hidden)
    seen[:, :-1, :, :-hidden] = x
    seen[:, 0, :, -hidden:] = 0  # nothing is remembered before the first month
    return seen


def _float32(x: Tensor, width: int, more: int = 0) -> Tensor:
    """Return zeros ``(2, T + more, B, width)`` on the device of ``x``."""
    shape = 2, x.shape[1] + more, x.shape[2], width
    return torch.zeros(shape, dtype=torch.float32, device=x.device)


def _gate_dot(a_dot: Tensor, gate: Tensor) -> tuple[Tensor, ...]:
    """Return the tangents of the four gates, ``(2, B, H)`` each."""
    return sigmoid_slope(a_dot, gate).chunk(4, dim=2)


def _weights(slopes: Tensor, seen: Tensor) -> Tensor:
    """Return the sum over months and patients of slope times input: ``(2, 4 * H, I + H)``."""
    rows = slopes.flatten(1, 2)  # (2, T * B, 4 * H)
    return torch.stack([a.T @ z[:-1].flatten(0, 1) for a, z in zip(rows, seen, strict=True)])
