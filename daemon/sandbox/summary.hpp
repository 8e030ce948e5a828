// Extractive summaries: a stand-in for a language model that picks a text's own leading sentences.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

/// The sentences of a text, white space made single, list marks away. They end at a full stop, question or
/// exclamation mark (also those of Chinese and Japanese) before a space and no small letter, at a blank line,
/// and before a list mark at the start of a line.
std::vector<std::string> sentences_of(std::string_view text);

/// At most `count` sentences of the text, in its order. A sentence's score is the mean probability of its
/// content words in the text (SumBasic: A. Nenkova, L. Vanderwende, "The impact of frequency on
/// summarization", MSR-TR-2005-101, after H. P. Luhn 1958), lowered with its distance from the beginning (the
/// location method of H. P. Edmundson, "New Methods in Automatic Extracting", JACM 16(2), 1969). After each
/// pick the probability of its words is squared, so that the next says something else. A long sentence ends
/// with an ellipsis after some 180 bytes; a text without sentences gives its beginning.
std::string summarise(std::string_view text, std::size_t count);

/// The part of a prompt that is data: what stands between <tag> and </tag>, or between two lines of the same
/// fence (```, """, ---, ===, ###, <<< and >>>); the whole where there is no such part.
std::string_view fenced_text(std::string_view prompt);

} // namespace enrichd::sandbox
