"""Pasted addresses as people really write them; everybody in them is invented."""

from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from express.addresses import LONGEST_TEXT, parse
from express.carriers.base import ParsedAddress
from express.divisions import FILE, found_at, is_division, short
from tests.timing import processor_s

SIMING = ("福建省", "厦门市", "思明区")
HULI = ("福建省", "厦门市", "湖里区")
HOUSE = "示例南路1号2栋301室"

PASTED: list[tuple[str, tuple[str, ...]]] = [
    # The order and the separators.
    ("张测试，13800000001，福建省厦门市思明区示例南路1号2栋301室", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("福建省厦门市思明区示例南路1号2栋301室 张测试 13800000001", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("13800000001 福建省厦门市思明区示例南路1号2栋301室 张测试", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("福建省厦门市思明区 张测试 13800000001 示例南路1号2栋301室", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("张测试 13800000001 示例南路1号2栋301室 厦门市思明区", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("福建省-厦门市-思明区-示例南路1号2栋301室-张测试-13800000001", ("张测试", "13800000001", *SIMING, HOUSE)),
    (
        "吉林省吉林市船营区示例路1号|何测试|13800000002",
        ("何测试", "13800000002", "吉林省", "吉林市", "船营区", "示例路1号"),
    ),
    # No separators at all.
    ("张测试13800000001福建省厦门市思明区示例南路1号2栋301室", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("张测试福建省厦门市思明区示例南路1号2栋301室13800000001", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("福建省厦门市思明区示例南路1号2栋301室张测试收13800000001", ("张测试", "13800000001", *SIMING, HOUSE)),
    ("福建省厦门市思明区（示例南路1号）张测试（13800000001）", ("张测试", "13800000001", *SIMING, "(示例南路1号)")),
    # Labels, as shops and forms write them.
    (
        "收货人: 张测试\n手机号码: 86-13800000001\n所在地区: 福建省厦门市湖里区江头街道\n详细地址: 示例路1号3号楼502",
        ("张测试", "13800000001", *HULI, "江头街道示例路1号3号楼502"),
    ),
    (
        "姓名：李测试 电话：138 0000 0003 地址：北京市朝阳区示例路88号院1号楼 邮编：100022",
        ("李测试", "13800000003", "北京市", "北京市", "朝阳区", "示例路88号院1号楼"),
    ),
    ("收件人李测试 手机13800000003 地址厦门市湖里区示例路8号", ("李测试", "13800000003", *HULI, "示例路8号")),
    ("示例路8号,王测试,13800000004,361000,厦门市湖里区", ("王测试", "13800000004", *HULI, "示例路8号")),
    # Telephone numbers.
    ("王测试 +86 138-0000-0004 厦门市湖里区示例路8号", ("王测试", "13800000004", *HULI, "示例路8号")),
    ("王测试 (+86)13800000004 厦门市湖里区示例路8号", ("王测试", "13800000004", *HULI, "示例路8号")),
    ("王测试 ０５９２－７７０００００ 厦门市湖里区示例路8号", ("王测试", "0592-7700000", *HULI, "示例路8号")),
    (
        "江苏昆山市玉山镇示例路1号 冯测试女士 (0512)57000000转801",
        ("冯测试", "0512-57000000-801", "江苏省", "苏州市", "昆山市", "玉山镇示例路1号"),
    ),
    ("赵测试 0592-7700000 13800000005 厦门市湖里区示例路8号", ("赵测试", "13800000005", *HULI, "示例路8号")),
    # 省 and 市 left out, municipalities, autonomous regions, counties of a province.
    ("福建厦门思明示例南路1号 张测试 13800000001", ("张测试", "13800000001", *SIMING, "示例南路1号")),
    ("张测试 13800000001 福建 厦门 思明 示例南路1号", ("张测试", "13800000001", *SIMING, "示例南路1号")),
    ("思明区示例南路1号 张测试 13800000001", ("张测试", "13800000001", *SIMING, "示例南路1号")),
    ("北京朝阳示例路88号 王测试 13800000004", ("王测试", "13800000004", "北京市", "北京市", "朝阳区", "示例路88号")),
    (
        "上海市市辖区浦东新区示例园区示例路2号 欧阳测试 13800000006",
        ("欧阳测试", "13800000006", "上海市", "上海市", "浦东新区", "示例园区示例路2号"),
    ),
    (
        "重庆渝北区示例路1号 赵测试（收） 13800000005",
        ("赵测试", "13800000005", "重庆市", "重庆市", "渝北区", "示例路1号"),
    ),
    (
        "内蒙古呼和浩特市新城区示例大街1号，孙测试，13800000007",
        ("孙测试", "13800000007", "内蒙古自治区", "呼和浩特市", "新城区", "示例大街1号"),
    ),
    (
        "新疆乌鲁木齐天山区示例路1号 阿卜杜·测试 13800000008",
        ("阿卜杜·测试", "13800000008", "新疆维吾尔自治区", "乌鲁木齐市", "天山区", "示例路1号"),
    ),
    (
        "广西壮族自治区南宁市青秀区示例大道1号 周测试 0771-5500000",
        ("周测试", "0771-5500000", "广西壮族自治区", "南宁市", "青秀区", "示例大道1号"),
    ),
    (
        "贵州黔东南凯里市示例北路1号,严测试,13800000009",
        ("严测试", "13800000009", "贵州省", "黔东南苗族侗族自治州", "凯里市", "示例北路1号"),
    ),
    (
        "湖北省省直辖县级行政区划仙桃市示例大道1号 吴测试 13800000010",
        ("吴测试", "13800000010", "湖北省", "仙桃市", "仙桃市", "示例大道1号"),
    ),
    (
        "广东省东莞市南城区示例路1号 郑测试 13800000011",
        ("郑测试", "13800000011", "广东省", "东莞市", "南城街道", "示例路1号"),
    ),
    ("浙江义乌示例北路1号 陈测试 13800000012", ("陈测试", "13800000012", "浙江省", "金华市", "义乌市", "示例北路1号")),
    (
        "福建省三明市沙县示例街道1号 施测试 13800000013",
        ("施测试", "13800000013", "福建省", "三明市", "沙县区", "示例街道1号"),
    ),
    (
        "香港特别行政区九龙油尖旺区示例道1号 张测试 13800000001",
        ("张测试", "13800000001", "香港特别行政区", "九龙", "油尖旺区", "示例道1号"),
    ),
    # Names of places inside names of streets, firms and people.
    ("厦门思明南路1号 金测试 13800000014", ("金测试", "13800000014", "福建省", "厦门市", "", "思明南路1号")),
    ("张测试 厦门市湖里区湖里大道1号 13800000001", ("张测试", "13800000001", *HULI, "湖里大道1号")),
    (
        "厦门市示例公司 张测试 13800000001 厦门市思明区示例北路1号一楼",
        ("张测试", "13800000001", *SIMING, "示例北路1号一楼厦门市示例公司"),
    ),
    (
        "北京市海淀区示例大街1号 北京测试科技有限公司 13800000015",
        ("北京测试科技有限公司", "13800000015", "北京市", "北京市", "海淀区", "示例大街1号"),
    ),
    (
        "张路 13800000016 厦门市集美区 示例北站 东区1-201",
        ("张路", "13800000016", "福建省", "厦门市", "集美区", "示例北站东区1-201"),
    ),
    (
        "福建省 厦门市 集美区 福建省厦门市集美区示例湾路1号 褚测试 13800000017",
        ("褚测试", "13800000017", "福建省", "厦门市", "集美区", "示例湾路1号"),
    ),
    (
        "福建省厦门市同安区 大同街道 示例西路 1号 3#201 叶测试 13800000018 收",
        ("叶测试", "13800000018", "福建省", "厦门市", "同安区", "大同街道示例西路1号3#201"),
    ),
    (
        "Li Ming 13800000019 厦门市思明区 Shili South Rd No 1",
        ("Li Ming", "13800000019", *SIMING, "Shili South Rd No 1"),
    ),
]


@pytest.mark.parametrize("case", PASTED, ids=range(len(PASTED)))
def test_a_pasted_line_is_read(case: tuple[str, tuple[str, ...]]) -> None:
    text, expected = case
    assert astuple(parse(text)) == expected


MISSING = [
    ("", ("name", "phone", "province", "city", "county", "line")),
    ("13800000001", ("name", "province", "city", "county", "line")),
    ("示例南路1号 秦测试", ("phone", "province", "city", "county")),
    ("鼓楼区五四路1号 沈测试 13800000020", ("province", "city")),
    ("河北省桥西区示例路1号 沈测试 13800000020", ("city",)),
    ("四川省成都市高新区示例大道1号 沈测试 13800000020", ("county",)),
    ("厦门市开元区示例路1号 沈测试 13800000020", ("county",)),
    ("厦门示例南路1号 沈测试 13800000020", ("county",)),
    ("福建省厦门市思明区 沈测试 13800000020", ("line",)),
    ("福建省厦门市思明区示例南路1号 13800000020", ("name",)),
    ("福建省厦门市思明区示例南路1号 沈测试 1380000002", ("phone",)),
]


@pytest.mark.parametrize("case", MISSING, ids=range(len(MISSING)))
def test_what_is_not_told_is_not_guessed(case: tuple[str, tuple[str, ...]]) -> None:
    text, missing = case
    assert parse(text).missing == missing


def test_an_id_number_never_gets_near_a_label() -> None:
    read = parse("厦门市思明区示例南路1号 许测试 350299199001010010 13800000021")
    assert astuple(read) == ("许测试", "13800000021", *SIMING, "示例南路1号")


PARTS = [
    "张测试",
    "13800000001",
    "福建省",
    "厦门",
    "思明区",
    "示例南路1号",
    "收货人:",
    "地址",
    " ",
    ",",
    "-",
    "(",
    "☎",
    "361000",
]
TEXTS = st.one_of(
    st.text(max_size=80), st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=20).map("".join)
)


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_without_failing_and_never_a_wrong_place(text: str) -> None:
    read = parse(text)
    assert isinstance(read, ParsedAddress)
    if read.province and read.city and read.county:
        assert is_division(read.province, read.city, read.county)
    assert len("".join(astuple(read))) <= 4 * LONGEST_TEXT


@pytest.mark.parametrize(
    "text", ["福" * 100_000, "福建省厦门市思明区" * 1000, "1380000000" * 1000, "张 " * 1000, "-_- " * 1000]
)
def test_a_long_text_is_read_quickly(text: str) -> None:
    parse("")
    _, took = processor_s(lambda: parse(text))
    assert took < 1.0


def test_every_division_is_found_by_its_full_name() -> None:
    for name in ("福建省厦门市翔安区", "新疆维吾尔自治区和田地区和安县", "海南省儋州市那大镇", "广东省中山市石岐街道"):
        found = found_at(name, 0)
        assert found is not None
        assert (found.end, found.levels) == (len(name), 3)
        assert is_division(found.province, found.city, found.county)
    assert not is_division("福建省", "厦门市", "鼓楼区")


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("福建省", "福建"),
        ("内蒙古自治区", "内蒙古"),
        ("新疆维吾尔自治区", "新疆"),
        ("黔东南苗族侗族自治州", "黔东南"),
        ("积石山保安族东乡族撒拉族自治县", "积石山"),
        ("浦东新区", "浦东"),
        ("沙县区", "沙县"),
        ("城区", "城区"),
    ],
)
def test_names_are_shortened_as_people_do(name: str, spoken: str) -> None:
    assert short(name) == spoken


def test_the_tree_is_whole() -> None:
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    provinces = [line for line in lines if not line.startswith(" ")]
    counties = [name for line in lines if line.startswith(" ") for name in line.split()[1:]]
    assert len(provinces) == 34
    assert len(counties) > 3300
    assert {"思明区", "海沧区", "湖里区", "集美区", "同安区", "翔安区"} <= set(counties)
