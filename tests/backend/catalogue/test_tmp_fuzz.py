import schemathesis, pytest
from schemathesis import GenerationMode
@pytest.fixture
def api(app, seed):
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).include(path_regex=r"^/api/v1/(halls|categories|items|lists)")
s = schemathesis.pytest.from_fixture("api")
@s.parametrize()
def test_it(case):
    case.call_and_validate()
