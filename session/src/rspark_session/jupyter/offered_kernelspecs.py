"""The kernels that a server offers: those of the environment, and those that the person made in their home."""

import re
from typing import ClassVar

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

#: Before the name of a person's own kernel where the environment has one of that name.
_OWN = "own-"
_SOME_PYTHON = re.compile(r"python(3(\.\d+)?)?")


class OfferedKernelSpecs(KernelSpecManager):
    """Finds the kernelspecs in `folder`, then those in the person's `own_folders`, and no others of this machine.

    A person's own python3 doesn't take the place of the environment's, which they may need to mend theirs. A kernelspec of theirs
    that names no more than some Python is run by `own_python`.
    """

    ensure_native_kernel = False
    folder: ClassVar[str]
    own_folders: ClassVar[list[str]]
    own_python: ClassVar[str]

    def _kernel_dirs_default(self) -> list[str]:
        return [self.folder, *self.own_folders]

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the folder of each kernelspec by its name."""
        offered: dict[str, str] = {}
        for folder in self.kernel_dirs:
            single = KernelSpecManager(parent=self.parent, kernel_dirs=[folder], ensure_native_kernel=False)
            for name, place in single.find_kernel_specs().items():
                offered.setdefault(_OWN + name if name in offered else name, place)
        return offered

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return a kernelspec by its name.

        Raises
        ------
        NoSuchKernel
            When there is none.
        """
        place = self.find_kernel_specs().get(kernel_name.lower())
        if place is None:
            raise NoSuchKernel(kernel_name)
        spec = self._get_kernel_spec_by_name(kernel_name, place)
        if not place.startswith(self.folder):
            if kernel_name.startswith(_OWN):
                spec.display_name = f"{spec.display_name}, your own"
            if spec.argv and _SOME_PYTHON.fullmatch(spec.argv[0]):
                spec.argv[0] = self.own_python
        return spec
