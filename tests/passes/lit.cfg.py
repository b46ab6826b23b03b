# Tests of single passes: borel-opt on IR text, checked by FileCheck. ctest runs them as "passes".
import lit.formats
import os

config.name = "passes"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)

tools = lit_config.params["tools"].split(":")  # borel-opt's folder, FileCheck's folder
config.test_exec_root = lit_config.params["scratch"]
config.environment["PATH"] = os.pathsep.join(tools + [config.environment.get("PATH", "")])
