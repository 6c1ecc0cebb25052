#include "data/demo_words.hpp"

namespace argosy {
namespace {

constexpr std::array<demo_paint, demo_colours> colours{{
    {{{"red", "scarlet", ""}, "红色"}, {196, 38, 44}},
    {{{"blue", "azure", ""}, "蓝色"}, {44, 88, 190}},
    {{{"navy", "navy blue", ""}, "藏青色"}, {28, 36, 84}},
    {{{"green", "olive", ""}, "绿色"}, {58, 128, 66}},
    {{{"yellow", "mustard", ""}, "黄色"}, {232, 190, 48}},
    {{{"pink", "rose", ""}, "粉色"}, {236, 140, 170}},
    {{{"purple", "violet", ""}, "紫色"}, {120, 64, 150}},
    {{{"brown", "tan", ""}, "棕色"}, {128, 84, 52}},
    {{{"black", "", ""}, "黑色"}, {38, 38, 42}},
    {{{"white", "ivory", ""}, "白色"}, {240, 238, 232}},
    {{{"orange", "coral", ""}, "橙色"}, {236, 118, 40}},
}};

constexpr std::array<demo_term, demo_kinds> kinds{{
    {{"t-shirt", "tee", "tshirt"}, "T恤"},
    {{"shirt", "", ""}, "衬衫"},
    {{"dress", "frock", ""}, "连衣裙"},
    {{"trousers", "pants", ""}, "长裤"},
    {{"skirt", "", ""}, "半身裙"},
    {{"jacket", "coat", ""}, "外套"},
    {{"handbag", "bag", "tote"}, "手提包"},
    {{"backpack", "rucksack", ""}, "双肩包"},
    {{"sneakers", "shoes", "trainers"}, "运动鞋"},
    {{"boots", "", ""}, "靴子"},
    {{"sandals", "", ""}, "凉鞋"},
    {{"watch", "", ""}, "手表"},
}};

constexpr std::array<demo_term, 5> patterns{{
    {{"plain", "solid", ""}, "纯色"},
    {{"striped", "stripes", ""}, "条纹"},
    {{"dotted", "polka dot", ""}, "波点"},
    {{"checked", "plaid", ""}, "格子"},
    {{"floral", "flowers", ""}, "碎花"},
}};
constexpr std::array<demo_term, 3> sleeves{
    {{{"sleeveless", "", ""}, "无袖"}, {{"short sleeve", "", ""}, "短袖"}, {{"long sleeve", "", ""}, "长袖"}}};
constexpr std::array<demo_term, 3> necks{
    {{{"round neck", "crew neck", ""}, "圆领"}, {{"v neck", "", ""}, "V领"}, {{"collared", "collar", ""}, "翻领"}}};

constexpr std::array<demo_term, demo_brands> brands{{
    {{"Alderline", "", ""}, "奥德莱"}, {{"Brivano", "", ""}, "布里瓦"},  {{"Cascara", "", ""}, "卡斯拉"},  {{"Dunmore", "", ""}, "邓莫尔"},
    {{"Estoril", "", ""}, "埃斯托"},   {{"Fennwick", "", ""}, "芬维克"}, {{"Galvano", "", ""}, "加瓦诺"},  {{"Harrow", "", ""}, "哈罗"},
    {{"Ilmare", "", ""}, "伊玛蕾"},    {{"Jutland", "", ""}, "朱特兰"},  {{"Kestrel", "", ""}, "凯斯特"},  {{"Lumora", "", ""}, "露莫拉"},
    {{"Meridian", "", ""}, "美利蒂"},  {{"Norvell", "", ""}, "诺维尔"},  {{"Oakhaven", "", ""}, "奥克文"}, {{"Pelham", "", ""}, "佩勒姆"},
    {{"Quillon", "", ""}, "奎隆"},     {{"Rivelle", "", ""}, "瑞薇"},    {{"Solenne", "", ""}, "索莱妮"},  {{"Tarrant", "", ""}, "塔兰特"},
}};

constexpr std::array<demo_term, 3> audiences{
    {{{"women", "ladies", ""}, "女款"}, {{"men", "mens", ""}, "男款"}, {{"kids", "", ""}, "儿童"}}};
constexpr std::array<demo_term, 5> materials{{{{"cotton", "", ""}, "棉"},
                                              {{"linen", "", ""}, "亚麻"},
                                              {{"wool", "", ""}, "羊毛"},
                                              {{"leather", "", ""}, "皮革"},
                                              {{"canvas", "", ""}, "帆布"}}};
constexpr std::array<demo_term, 8> lines{{{{"Classic", "", ""}, "经典"},
                                          {{"Harbour", "", ""}, "海港"},
                                          {{"Weekend", "", ""}, "周末"},
                                          {{"Studio", "", ""}, "工作室"},
                                          {{"Atlas", "", ""}, "阿特拉斯"},
                                          {{"Breeze", "", ""}, "微风"},
                                          {{"Heritage", "", ""}, "传承"},
                                          {{"Metro", "", ""}, "都市"}}};

}  // namespace

const demo_paint& demo_colour(std::size_t i) { return colours[i % demo_colours]; }
const demo_term& demo_kind(demo_product::shape s) { return kinds[static_cast<std::size_t>(s)]; }
const demo_term& demo_pattern(demo_product::pattern p) { return patterns[static_cast<std::size_t>(p)]; }
const demo_term& demo_sleeve(demo_product::sleeve s) { return sleeves[static_cast<std::size_t>(s)]; }
const demo_term& demo_neck(demo_product::neck n) { return necks[static_cast<std::size_t>(n)]; }
const demo_term& demo_brand(std::size_t i) { return brands[i % demo_brands]; }
std::span<const demo_term> demo_audiences() { return audiences; }
std::span<const demo_term> demo_materials() { return materials; }
std::span<const demo_term> demo_lines() { return lines; }

}  // namespace argosy
