// Every channel with and without restriction on the same judged queries: `argosy evaluate --channels`.
//   P_cate   mean over queries of the share of the first 10 products that have one of the query's intent categories; method.md, section 7.
//            Intent categories: of a query whose words the log has, those with at least a tenth of its clicks (ours); of any other, those of
//            the products judged relevant to it. How many queries had which is part of the report.
#pragma once

#include "data/judgements.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"

namespace argosy {

status evaluate_channels(const evaluate_options&, const judgements&, searcher&, const console&);

}  // namespace argosy
