"""What a division's name is made of: a stem (南岸) and a suffix that says what kind it is (区)."""

import re
from functools import lru_cache

_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇"
    "|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安"
    "|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各"
)
# 族 is left out only before 自治, as in 伊犁哈萨克自治州.
_PEOPLE = rf"(?:(?:{_PEOPLES})族)*(?:(?:{_PEOPLES})族|维吾尔|哈萨克|蒙古|柯尔克孜|塔吉克|锡伯)"
_PLAIN = (
    r"特别行政区|(?:壮族|回族|维吾尔)?自治区|自治[州县旗]|街道(?:办事处|办)?|地区办事处|民族[乡镇]|(?:民族)?苏木|地区|社区|嘎查|林区|新区"
    r"|(?:村|社区|嘎查|小区)?(?:村民|居民|牧民|家属)?委员会|(?:村|社区|嘎查)?(?:村|居|牧|家)委会"
    r"|[省市州盟区县旗镇乡村]"
)
SUFFIX_ENDS = frozenset("区州县旗道处办乡镇木查会省市盟村")
"""The last characters of all suffixes."""
_SUFFIX = re.compile(rf"(?<=.)(?:{_PLAIN})$")
_PEOPLES_SUFFIX = re.compile(
    rf"(?<=.)(?:(?:{_PEOPLE})自治[州县旗]|(?:{_PEOPLE})(?:民族)?[乡镇区]|{_PLAIN})$"
)

PROVINCE, CITY, COUNTY, TOWN, VILLAGE = range(5)

_GROUPS = (
    (r"特别行政区", frozenset({PROVINCE}), "自治"),
    (r"自治区|省", frozenset({PROVINCE}), "省"),
    (r"自治州|州", frozenset({CITY}), "州"),
    (r"盟", frozenset({CITY}), "盟"),
    (r"地区办事处", frozenset({TOWN}), "街道"),
    (r"地区", frozenset({CITY}), "地区"),
    (r"自治县|县", frozenset({COUNTY}), "县"),
    (r"自治旗|旗", frozenset({COUNTY}), "旗"),
    (r"街道|街道办|街道办事处", frozenset({TOWN}), "街道"),
    (r"(?:小|社)区.*|居.*|家.*", frozenset({VILLAGE}), "社区"),
    (r"[林新]?区", frozenset({COUNTY, TOWN}), "区"),
    (r"镇", frozenset({TOWN}), "镇"),
    (r"乡", frozenset({TOWN}), "乡"),
    (r"苏木", frozenset({TOWN}), "苏木"),
    (r"市", frozenset({PROVINCE, CITY, COUNTY}), "市"),
    (r"嘎查.*|牧.*", frozenset({VILLAGE}), "嘎查"),
    (r"村.*|委员会", frozenset({VILLAGE}), "村"),
)


@lru_cache(maxsize=65536)
def split(name: str) -> tuple[str, str]:
    """The stem and the suffix of a name: 南岸, 区; the suffix is empty where there is none.

    What is left is at least one character: 沙市 is 沙, 市 and a caller must look for the whole too.
    """
    pattern = _PEOPLES_SUFFIX if "族" in name or "自治" in name else _SUFFIX
    found = pattern.search(name)
    return (name[: found.start()], found[0]) if found else (name, "")


@lru_cache(maxsize=4096)
def kind(suffix: str) -> tuple[frozenset[int], str]:
    """At which levels divisions have such a suffix, and which kind it says; 民族乡 is a 乡, 居委会 a 社区.

    A suffix of no kind that we know may be at every level.
    """
    bare = re.sub(rf"^(?:{_PEOPLE})?(?:民族)?", "", suffix) if len(suffix) > 1 else suffix
    for pattern, levels, name in _GROUPS:
        if re.fullmatch(pattern, bare):
            return levels, name
    return frozenset(range(5)), ""
