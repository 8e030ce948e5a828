// Catch2 is version 2 in Debian 12 and version 3 in Debian 13; tests include this and see no difference.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#ifdef ENRICHD_CATCH2_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

/// A result in a failed check shows its error.
template <class T>
struct Catch::StringMaker<boost::system::result<T, enrichd::error>> {
    static std::string convert(const boost::system::result<T, enrichd::error>& r) {
        return r ? "a value" : "error: " + r.error().detail;
    }
};
