"""What the Python client's own tests import: a module that says where the cluster is."""

import sys
import types

import kubernetes.client
import kubernetes.config


def get_e2e_configuration() -> object:
    configuration = kubernetes.client.Configuration()
    load = kubernetes.config.load_kube_config
    load(client_configuration=configuration)
    return configuration


package, module = types.ModuleType("kubernetes.e2e_test"), types.ModuleType("base")
module.get_e2e_configuration = get_e2e_configuration  # type: ignore[attr-defined]
package.base = module  # type: ignore[attr-defined]
sys.modules["kubernetes.e2e_test"] = package
sys.modules["kubernetes.e2e_test.base"] = module
