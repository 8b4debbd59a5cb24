"""The kernel that runs notebooks: always the Python that asks for it, with this library in the same version."""

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

VECTORS = ["--InlineBackend.figure_formats=svg"]  # figures of the pages are sharp at any size


class OwnKernel(AsyncKernelManager):
    """Starts this very Python. A kernel called ``python3`` in the user's own folders may belong to another one."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict(VECTORS))
