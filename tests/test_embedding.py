import pytest
import torch

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES
from hgteach.embedding import FeatureEmbedding, SoftEmbedding, to_codes
from hgteach.errors import InputError

EXAMPLE = ART_HIV.select(EXAMPLE_VARIABLES)


def one_hot(schema, batch=5, timesteps=7) -> torch.Tensor:
    x = torch.rand(batch, timesteps, schema.width)
    for block in schema.blocks:
        if block.column.kind != "real":
            level = torch.randint(block.width, (batch, timesteps))
            x[..., block.span] = torch.nn.functional.one_hot(level, block.width).float()
    return x


def pair(schema):
    look_up, soft = FeatureEmbedding(schema), SoftEmbedding(schema)
    soft.load_state_dict(look_up.state_dict())
    return look_up, soft


@pytest.mark.parametrize("schema", [EXAMPLE, ART_HIV, ART_HIV.select(["Ethnic", "Gender"])])
def test_on_one_hot_input_soft_embedding_is_look_up(schema):
    look_up, soft = pair(schema)
    x = one_hot(schema)
    torch.testing.assert_close(soft(x), look_up(to_codes(x, schema)))
    assert soft(x).shape == (5, 7, look_up.width)


def test_the_published_example_has_72_weights_and_18_channels():
    look_up, soft = pair(EXAMPLE)
    for embedding in (look_up, soft):
        assert sum(p.numel() for p in embedding.parameters()) == 72
        assert embedding.width == 18


def test_a_table_of_numbers_alone_passes_through():
    schema = ART_HIV.select(["VL", "CD4"])
    look_up, soft = pair(schema)
    x = one_hot(schema)
    assert torch.equal(look_up(x), x) and torch.equal(soft(x), x)


def test_a_softmax_gives_the_weighted_mean_of_rows_and_lets_the_gradient_back():
    _, soft = pair(EXAMPLE)
    x = one_hot(EXAMPLE, 1, 1)
    x[..., 2:4] = torch.tensor([0.25, 0.75])
    x.requires_grad_(True)
    embedded = soft(x)
    rows = soft.tables[0].weight
    torch.testing.assert_close(embedded[0, 0, 2:4], 0.25 * rows[0] + 0.75 * rows[1])
    (slope,) = torch.autograd.grad(embedded[..., 2:4].sum(), x)
    torch.testing.assert_close(slope[0, 0, 2:4], rows.sum(dim=1))
    assert (slope[0, 0, 4:] == 0).all()


def test_a_column_moves_only_its_own_channels():
    _, soft = pair(EXAMPLE)
    x = one_hot(EXAMPLE, 1, 1)
    other = x.clone()
    other[..., 4:8] = other[..., 4:8].roll(1, dims=-1)  # another ethnicity
    changed = (soft(x) != soft(other))[0, 0].nonzero().flatten().tolist()
    assert changed == [4, 5, 6, 7]


def test_it_works_in_double_precision_and_twice_differentiated():
    _, soft = pair(EXAMPLE)
    soft.double()
    x = one_hot(EXAMPLE, 2, 2).double().requires_grad_(True)
    assert torch.autograd.gradgradcheck(lambda v: soft(v).square(), (x,))


@pytest.mark.parametrize("code", [-1.0, 2.0, 0.5])
def test_an_unknown_code_is_refused_not_clamped(code):
    look_up, _ = pair(EXAMPLE)
    x = to_codes(one_hot(EXAMPLE), EXAMPLE)
    x[0, 0, 2] = code
    with pytest.raises(InputError, match="'Gender'"):
        look_up(x)
