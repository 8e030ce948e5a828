// overloaded: one visitor out of several lambdas.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace enrichd {

template <class... Fs>
struct overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

} // namespace enrichd
