// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/table.hpp"

#include <algorithm>

#include "daemon/ctl/text.hpp"

namespace enrichd::ctl {

namespace {

constexpr std::size_t gap = 2;

std::size_t total(const std::vector<std::size_t>& widths, const std::vector<bool>& kept) {
    std::size_t sum = 0, columns = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        if (!kept[i]) continue;
        sum += widths[i];
        ++columns;
    }
    return sum + (columns > 1 ? gap * (columns - 1) : 0);
}

std::string pad(const std::string& text, std::size_t width, bool right) {
    const auto used = display_width(text);
    const std::string blanks(width > used ? width - used : 0, ' ');
    return right ? blanks + text : text + blanks;
}

} // namespace

std::vector<std::size_t> table::fit(const std::vector<std::size_t>& natural, std::vector<bool>& kept,
                                    std::size_t width) const {
    auto widths = natural;
    const auto shrink = [&] {
        for (std::size_t i = columns_.size(); i-- > 0 && total(widths, kept) > width;) {
            if (!kept[i] || columns_[i].shrink_to == 0 || widths[i] <= columns_[i].shrink_to) continue;
            const auto over = total(widths, kept) - width;
            widths[i] = std::max(columns_[i].shrink_to, widths[i] > over ? widths[i] - over : 0);
        }
    };
    for (;;) {
        widths = natural;
        shrink();
        if (total(widths, kept) <= width) return widths;
        std::size_t drop = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (kept[i] && columns_[i].priority > 0 &&
                (drop == columns_.size() || columns_[i].priority >= columns_[drop].priority))
                drop = i;
        if (drop == columns_.size()) break;
        kept[drop] = false;
    }
    // Only columns that stay are left: the last ones are cut.
    for (std::size_t i = columns_.size(); i-- > 0 && total(widths, kept) > width;) {
        if (!kept[i]) continue;
        const auto over = total(widths, kept) - width;
        widths[i] = widths[i] > over ? std::max<std::size_t>(widths[i] - over, 1) : 1;
    }
    return widths;
}

std::string table::render(const terminal& term) const {
    std::vector<std::size_t> natural;
    natural.reserve(columns_.size());
    for (const auto& c : columns_)
        natural.push_back(display_width(c.title));
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            natural[i] = std::max(natural[i], display_width(escape(row[i].text)));
    std::vector<bool> kept(columns_.size(), true);
    const auto room = term.columns();
    const auto widths = room > 0 ? fit(natural, kept, room) : natural;

    std::string out;
    const auto line = [&](auto text_of, auto tint_of) {
        std::string text;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (!kept[i]) continue;
            if (!text.empty()) text += std::string(gap, ' ');
            text += term.paint(tint_of(i), pad(cut(text_of(i), widths[i]), widths[i], columns_[i].right));
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    };
    line([&](std::size_t i) { return columns_[i].title; }, [](std::size_t) { return color::bold; });
    for (const auto& row : rows_)
        line([&](std::size_t i) { return escape(row[i].text); }, [&](std::size_t i) { return row[i].tint; });
    return out;
}

} // namespace enrichd::ctl
