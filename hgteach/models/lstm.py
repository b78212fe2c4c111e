"""The critic's LSTM with both of its derivatives written out, for the gradient penalty.

The penalty is itself made of a slope, so training differentiates twice. Autograd can do that with
``nn.LSTM``, but records some dozens of small operations a month to do so. Here the second
derivative is taken as it would be on paper. Let u be the slope that arrives at the final memory,
v a direction in which the input moves, and J how the memory answers to the input. Then

    <v, slope of the input> = <v, Jᵀ u> = <J v, u>,

where J v is the *tangent*: how fast the final memory moves as the input moves along v. So the
second derivative is the tangent of the first: each line of ``_Slope.forward`` reappears in
``_Slope.backward`` with the product rule applied to it. ``_dot`` marks tangents, ``of_`` slopes.

A tanh is a stretched logistic sigmoid, tanh(a) = 2 sigmoid(2 a) - 1. So the weights of the "new"
gate are doubled, all four gates are sigmoids, and one formula serves them all.

Shapes: 2 directions, T months, B patients, I inputs, H memories. Under autocast, products of
matrices are taken in its type; everything else is float32. The slope can be differentiated again
with respect to the input only: the penalty needs no more.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# (slope, value) → slope of what went in; the value is that of the sigmoid, of the tanh.
sigmoid_slope, tanh_slope = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward


@cache
def multiplies_bfloat16() -> bool:
    """Say whether this processor multiplies bfloat16 faster than float32."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def final_memories(lstm: nn.LSTM, x: Tensor) -> Tensor:
    """Return ``lstm(x)[1][0]``, ``(2, B, H)``, of a one-layer bidirectional ``lstm``.

    Args:
        lstm: its weights are used.
        x: ``(B, T, I)``.
    """
    device = x.device.type
    short = torch.is_autocast_enabled(device)
    dtype = torch.get_autocast_dtype(device) if short else x.dtype
    months = x.transpose(0, 1).to(dtype)  # (T, B, I)
    months = torch.stack([months, months.flip(0)])  # (2, T, B, I)
    w_x, w_h, b_x, b_h = (torch.stack(both) for both in zip(*lstm.all_weights, strict=True))
    doubled = w_x.new_tensor([1, 1, 2, 1]).repeat_interleave(lstm.hidden_size)  # (4 * H,)
    weight = torch.cat([w_x, w_h], dim=2) * doubled.unsqueeze(1)  # (2, 4 * H, I + H)
    bias = ((b_x + b_h) * doubled).unsqueeze(1)  # (2, 1, 4 * H)
    return _FinalMemory.apply(months, weight.to(dtype), bias.to(dtype))


class _FinalMemory(Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        hidden, months = weight.shape[1] // 4, x.shape[1]
        seen = _followed_by_memory(x, hidden)  # (2, T + 1, B, I + H)
        gates, squashed = _empty(x, months, 4 * hidden), _empty(x, months, hidden)
        cells = _empty(x, months + 1, hidden)
        cells[:, 0] = 0
        z, gate, c, s = (tensor.unbind(1) for tensor in (seen, gates, cells, squashed))
        for t in range(months):
            torch.sigmoid(torch.baddbmm(bias, z[t], weight.mT).to(gates.dtype), out=gate[t])
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            torch.addcmul(_stretched(enter, new), forget, c[t], out=c[t + 1])
            torch.mul(c[t + 1], 2, out=s[t]).sigmoid_().mul_(2).sub_(1)  # tanh
            z[t + 1][..., -hidden:] = leave * s[t]
        ctx.save_for_backward(x, weight, bias, seen, gates, cells, squashed)
        return z[-1][..., -hidden:].to(gates.dtype)  # (2, B, H)

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor | None, ...]:
        # Gradients are on here only if the slope is to be differentiated again.
        return _Slope.apply(slope, *ctx.saved_tensors, not torch.is_grad_enabled())


class _Slope(Function):
    @staticmethod
    def forward(ctx, u, x, weight, bias, seen, gates, cells, squashed, of_weights):
        hidden = u.shape[2]
        slopes = torch.empty_like(gates, dtype=x.dtype)  # of what the gates were made of
        slopes_z, slopes_c = torch.empty_like(seen[:, 1:]), torch.empty_like(squashed)
        of_gates = torch.empty_like(gates[:, 0])
        of_enter, of_forget, of_new, of_leave = of_gates.chunk(4, dim=2)
        everything = (gates, cells, squashed, slopes, slopes_z, slopes_c)
        gate, c, s, a, z, of_c = (tensor.unbind(1) for tensor in everything)
        m, carry = u, torch.zeros_like(u)  # slopes of this month's memory, and of its cell
        for t in reversed(range(x.shape[1])):
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            torch.add(carry, tanh_slope(m * leave, s[t]), out=of_c[t])
            _stretched(of_c[t], new, out=of_enter)
            torch.mul(of_c[t], c[t], out=of_forget)
            torch.mul(of_c[t], enter, out=of_new).mul_(2)
            torch.mul(m, s[t], out=of_leave)
            a[t].copy_(sigmoid_slope(of_gates, gate[t]))
            torch.bmm(a[t], weight, out=z[t])
            m, carry = z[t][..., -hidden:].to(u.dtype), of_c[t] * forget
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
        gates_dot, cells_dot = torch.empty_like(gates), torch.empty_like(cells)
        cells_dot[:, 0] = 0
        everything = (gates, cells, squashed, slopes, slopes_z, slopes_c)
        gate, c, s, a, z, of_c = (tensor.unbind(1) for tensor in everything)
        z_dot, a_dot, c_dot = (w.unbind(1) for w in (seen_dot, gates_dot, cells_dot))
        for t in range(v.shape[1]):  # the tangent of _FinalMemory.forward
            a_dot[t].copy_(torch.bmm(z_dot[t], weight.mT))
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            enter_dot, forget_dot, new_dot, leave_dot = _gate_dot(a_dot[t], gate[t])
            torch.mul(forget, c_dot[t], out=c_dot[t + 1]).addcmul_(forget_dot, c[t])
            c_dot[t + 1].addcmul_(enter, new_dot, value=2).add_(_stretched(enter_dot, new))
            s_dot = tanh_slope(c_dot[t + 1], s[t])
            memory_dot = (leave * s_dot).addcmul_(leave_dot, s[t])
            z_dot[t + 1][..., -hidden:] = memory_dot

        slopes_dot, slopes_z_dot = torch.empty_like(slopes), torch.empty_like(slopes_z)
        of_gates_dot = torch.empty_like(gates[:, 0])
        of_enter_dot, of_forget_dot, of_new_dot, of_leave_dot = of_gates_dot.chunk(4, dim=2)
        of_a_dot, of_z_dot = slopes_dot.unbind(1), slopes_z_dot.unbind(1)
        m_dot = carry_dot = torch.zeros_like(u)
        for t in reversed(range(v.shape[1])):  # the tangent of _Slope.forward
            m = u if t + 1 == v.shape[1] else z[t + 1][..., -hidden:].to(u.dtype)
            enter, forget, new, leave = gate[t].chunk(4, dim=2)
            enter_dot, forget_dot, new_dot, leave_dot = _gate_dot(a_dot[t], gate[t])
            s_dot = tanh_slope(c_dot[t + 1], s[t])
            of_c_dot = tanh_slope((m_dot * leave).addcmul_(m, leave_dot), s[t]).add_(carry_dot)
            of_c_dot.addcmul_((m * leave).mul_(s[t]), s_dot, value=-2)
            _stretched(of_c_dot, new, out=of_enter_dot).addcmul_(of_c[t], new_dot, value=2)
            torch.mul(of_c_dot, c[t], out=of_forget_dot).addcmul_(of_c[t], c_dot[t])
            torch.mul(of_c_dot, enter, out=of_new_dot).addcmul_(of_c[t], enter_dot).mul_(2)
            torch.mul(m_dot, s[t], out=of_leave_dot).addcmul_(m, s_dot)
            bend = _bent(a_dot[t], gate[t])
            of_a_dot[t].copy_(sigmoid_slope(of_gates_dot, gate[t]).addcmul_(bend, a[t]))
            torch.bmm(of_a_dot[t], weight, out=of_z_dot[t])
            m_dot = of_z_dot[t][..., -hidden:].to(u.dtype)
            carry_dot = (of_c_dot * forget).addcmul_(of_c[t], forget_dot)
        of_weight = _weights(slopes_dot, seen) + _weights(slopes, seen_dot)
        of_bias = slopes_dot.sum(dim=(1, 2)).unsqueeze(1)
        of_x_dot = slopes_z_dot[..., :-hidden]
        return memory_dot, of_x_dot, of_weight, of_bias, None, None, None, None, None


def _followed_by_memory(x: Tensor, hidden: int) -> Tensor:
    """Return ``(2, T + 1, B, I + H)``: each month's input and, still to come, the last memory."""
    seen = x.new_empty(2, x.shape[1] + 1, x.shape[2], x.shape[3] + hidden)
    seen[:, :-1, :, :-hidden] = x
    seen[:, 0, :, -hidden:] = 0  # nothing is remembered before the first month
    return seen


def _empty(x: Tensor, months: int, width: int) -> Tensor:
    """Return room for ``(2, months, B, width)``, never in a shorter type than float32."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    return x.new_empty(2, months, x.shape[2], width, dtype=dtype)


def _stretched(x: Tensor, new: Tensor, out: Tensor | None = None) -> Tensor:
    """Return ``x`` times the tanh that the "new" gate stands for: ``x * (2 * new - 1)``."""
    return torch.addcmul(-x, x, new, value=2, out=out)


def _bent(x: Tensor, gate: Tensor) -> Tensor:
    """Return ``x`` times the bend of a sigmoid, in units of its slope: ``x * (1 - 2 * gate)``."""
    return torch.addcmul(x, x, gate, value=-2)


def _gate_dot(a_dot: Tensor, gate: Tensor) -> tuple[Tensor, ...]:
    """Return the tangents of the four gates, ``(2, B, H)`` each."""
    return sigmoid_slope(a_dot, gate).chunk(4, dim=2)


def _weights(slopes: Tensor, seen: Tensor) -> Tensor:
    """Return the sum over months and patients of slope times input: ``(2, 4 * H, I + H)``."""
    rows = slopes.flatten(1, 2)  # (2, T * B, 4 * H)
    return torch.stack([a.T @ z[:-1].flatten(0, 1) for a, z in zip(rows, seen, strict=True)])
