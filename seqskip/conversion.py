"""torch.nn's recurrent layers inside any model, replaced by seqskip's with the same weights, and back."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from seqskip.delays import Delays
from seqskip.layers import GRU, LSTM, RNN, TorchLayer

# What the constructors of both have, and layers as attributes.
ARGUMENTS = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
# What a model's layers keep as they have it, so that it is no option of convert.
KEPT = (*ARGUMENTS, "nonlinearity", "proj_size", "device", "dtype", "init")
LAYERS: dict[type[nn.RNNBase], type[TorchLayer]] = {nn.RNN: RNN, nn.LSTM: LSTM, nn.GRU: GRU}


def convert(module: nn.Module, delays: Delays | Callable[[nn.RNNBase], Delays] = 1, **options: Any) -> nn.Module:
    """Replace every torch.nn.RNN, LSTM and GRU in a model by seqskip's layer with the same weights.

    The model is changed and returned, as `torch.nn.SyncBatchNorm.convert_sync_batchnorm` does; a bare layer is returned
    as a new one. With delays=1 outputs are equal, and the parameters are the same objects: an optimizer goes on with
    them. With more delays and combine="sum" each layer's matrix U stands at its smallest delay, and the others start at
    zero: an RNN with 1 among its delays answers as before, until it is trained.

    Args:
        module: any model; cells (torch.nn.LSTMCell and so on) stay as they are.
        delays: of each layer, as `seqskip.recurrent.Recurrent` has them, or a function that gives those of one of
            torch.nn's layers, such as `lambda layer: seqskip.dilated(layer.num_layers)`.
        options: what else seqskip's layers are to be asked for, such as residual="add"; not what the model's layers
            keep, such as hidden_size, dtype and the weights they have.

    Raises:
        ValueError: a layer's class has a forward of its own, or it has what would be lost: hooks, parametrized weights,
            or parameters, buffers and modules beside torch.nn's weights; or an option breaks a rule, or is none. The
            model is then as it was.

    >>> model = nn.Sequential(nn.LSTM(3, 8, batch_first=True))
    >>> convert(model, delays=(1, 16))
    Sequential(
      (0): LSTM(3, 8, num_layers=1, batch_first=True, dropout=0.0, bidirectional=False, delays=(1, 16), residual=None, \
bias=True, combine='sum')
    )
    """

    for option, value in options.items():
        if option in KEPT:
            raise ValueError(
                f"{option} must be left to the layers of the model, got {value!r}; change the model before or after"
            )

    def ours(theirs: nn.RNNBase, name: str) -> TorchLayer:
        return _like(theirs, name, {**options, "delays": delays(theirs) if callable(delays) else delays})

    return _replaced(module, nn.RNNBase, ours)


def to_torch(module: nn.Module) -> nn.Module:
    """Replace every seqskip.RNN, LSTM and GRU in a model by torch.nn's layer, the same parameters in it.

    The model is changed and returned; a bare layer is returned as a new one.

    Raises:
        ValueError: a layer has what torch.nn's has not, such as delays or a residual connection, or what would be lost,
            as for `convert`. The model is then as it was.

    >>> to_torch(nn.Sequential(GRU(3, 8)))
    Sequential(
      (0): GRU(3, 8)
    )
    """
    return _replaced(module, TorchLayer, _back)


def described(theirs: nn.RNNBase, name: str = "model") -> tuple[type[TorchLayer], dict[str, Any]]:
    """Return the class of the seqskip layer that one of torch.nn's is, and the arguments of its constructor.

    Raises:
        ValueError: it is none of RNN, LSTM and GRU, or has a forward of its own; `name` says which layer it is.
    """
    # A subclass may only differ in where its weights come from, as those of torch.nn.utils.parametrize do.
    kind = next((ours for base, ours in LAYERS.items() if type(theirs).forward is base.forward), None)
    if kind is None:
        raise ValueError(
            f"{name} must be torch.nn's RNN, LSTM or GRU itself, got {type(theirs).__name__}, whose forward is "
            "another; make it one of them"
        )
    return kind, _arguments(theirs)


def _arguments(layer: nn.RNNBase | TorchLayer) -> dict[str, Any]:
    """Return the arguments that make a layer of either kind what it is."""
    found: dict[str, Any] = {name: getattr(layer, name) for name in ARGUMENTS}
    if isinstance(layer, nn.RNN | RNN):
        found["nonlinearity"] = layer.nonlinearity
    if layer.proj_size:
        found["proj_size"] = layer.proj_size
    return found


def _replaced(module: nn.Module, kind: type[nn.Module], make: Callable[[Any, str], nn.Module]) -> nn.Module:
    """Replace all modules of a kind; those that stand in several places stay one. All are made before any is put in."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"module must be a torch.nn.Module, got {module!r}; give a model, or one of its layers")
    made: dict[nn.Module, nn.Module] = {}
    for name, one in module.named_modules():
        if isinstance(one, kind):
            _demand_bare(one, name or "model")
            made[one] = make(one, name or "model")
    for parent, name, child in list(_children(module)):
        if child in made:
            setattr(parent, name, made[child])
    return made.get(module, module)


def _children(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    for parent in module.modules():
        for name, child in parent._modules.items():
            if child is not None:
                yield parent, name, child


def _demand_bare(layer: nn.Module, name: str) -> None:
    if torch.nn.utils.parametrize.is_parametrized(layer):
        raise ValueError(
            f"{name} must have weights of its own, got a parametrized {type(layer).__name__}; "
            "torch.nn.utils.parametrize.remove_parametrizations first, and parametrize the new layer"
        )
    if layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks:
        raise ValueError(f"{name} must have no hooks, which would be lost; remove them, and put them on the new layer")


def _weights(layer: nn.Module, like: nn.RNNBase, name: str) -> dict[str, nn.Parameter]:
    """Return the parameters of a layer by name, each as often as it stands there, those of one of torch.nn's."""
    found = dict(layer.named_parameters(remove_duplicate=False))
    held = {*found, *dict(layer.named_buffers()), *dict(layer.named_children())}
    if strange := sorted(held.symmetric_difference(like._flat_weights_names)):
        raise ValueError(
            f"{name} must hold the weights of torch.nn's {type(layer).__name__} and nothing else, got "
            f"{', '.join(strange)} in one alone; put what is the layer's own beside it, in the model"
        )
    return found


def _like(theirs: nn.RNNBase, name: str, options: dict[str, Any]) -> TorchLayer:
    kind, arguments = described(theirs, name)
    weights = _weights(theirs, theirs, name)
    first = weights["weight_ih_l0"]
    layer = kind(**arguments, device=first.device, dtype=first.dtype, **options)
    fitted: dict[nn.Parameter, nn.Parameter] = {}  # what is tied stays so
    for place, given in weights.items():
        if given not in fitted:
            fitted[given] = _fitted(layer.get_parameter(place), given)
        layer.register_parameter(place, fitted[given])
    return layer.train(theirs.training)


@torch.no_grad()
def _fitted(own: nn.Parameter, given: nn.Parameter) -> nn.Parameter:
    """Return the weight that a layer gets: the given object where it fits, else its own with zeros beside the given."""
    if own.shape == given.shape:
        return given
    own.zero_()[:, : given.size(1)] = given
    own.requires_grad_(given.requires_grad)
    return own


def _back(ours: TorchLayer, name: str) -> nn.RNNBase:
    base = next((theirs for theirs, kind in LAYERS.items() if type(ours) is kind), None)
    if base is None or (strange := _beyond_torch(ours)):
        got = type(ours).__name__ if base is None else f"{type(ours).__name__} with {strange}"
        raise ValueError(
            f"{name} must be what torch.nn has, an RNN, LSTM or GRU with delays=1 and no other skip, got {got}; "
            "leave that out, or export the model as it is (seqskip.export)"
        )
    layer = base(**_arguments(ours), device=ours.like.device, dtype=ours.like.dtype)
    for place, weight in _weights(ours, layer, name).items():
        setattr(layer, place, weight)
    return layer.train(ours.training)


def _beyond_torch(layer: TorchLayer) -> str:
    """Return what a layer has that torch.nn's has not, as `repr` shows it."""
    shown = layer.shown()
    usual = {"delays": (1,), "residual": None, "combine": shown["combine"]}
    known = ("num_layers", "batch_first", "dropout", "bidirectional", "bias", "proj_size", "nonlinearity", "init")
    found = {key: value for key, value in shown.items() if key not in known and value != usual.get(key)}
    if len(set(layer.hidden_sizes)) > 1:
        found["hidden_size"] = layer.hidden_sizes
    return ", ".join(f"{key}={value!r}" for key, value in found.items())
