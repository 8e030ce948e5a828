// Words and sentences that the fixture's texts are put together from, written for this purpose.
// SPDX-License-Identifier: Apache-2.0

export const words = {
  english: `the a of and river bridge server morning letter Wednesday network report although quickly between
    database row summary batch Anna's don't we're they've I'll he'd it's JSON UTF-8 HTTP README kilobytes e-mail
    unbelievable antidisestablishmentarianism photosynthesis naïve café résumé co-operate O'Neill US$ 3.14 1,024`,
  thai: `ระบบ ฐานข้อมูล ข้อความ ภาษาไทย แม่น้ำ สะพาน ตอนเช้า วันพุธ จดหมาย เครื่อง คอมพิวเตอร์ รายงาน สรุป กรุงเทพมหานคร
    น้ำท่วม เศรษฐกิจ และ หรือ ของ ที่ ซึ่ง ได้รับ ไม่ใช่ เดินทาง ผู้ใช้ ๑๒๓ ๒๕๖๙`,
  vietnamese: `hệ thống cơ sở dữ liệu văn bản tiếng Việt dòng sông cây cầu buổi sáng thứ tư lá thư máy tính báo cáo
    tóm tắt Hà Nội Đà Nẵng thành phố Hồ Chí Minh nguyễn những được không người nghiên cứu kinh tế và của`,
  indonesian: `basis data ringkasan laporan sungai jembatan pagi Rabu surat komputer jaringan pemerintah masyarakat
    keanekaragaman bertanggung jawab kupu-kupu anak-anak mempertanggungjawabkan di ke dari yang dengan untuk`,
  chinese: `数据库 文本 摘要 河流 大桥 早晨 星期三 信件 计算机 报告 的 和 在 我们 他们 不是 已经 可以 經濟 臺灣 東京都 日本語テキスト
    ひらがな カタカナ 한국어 문장 데이터베이스`,
  others: `Привет мир базы данных ЙОД Ελληνικά κείμενο ΣΊΣΥΦΟΣ العربية قاعدة البيانات ١٢٣٤ עברית שלום हिन्दी डेटाबेस क्षत्रिय
    বাংলা தமிழ் ქართული Հայերեն አማርኛ ខ្មែរ မြန်မာ Türkçe İstanbul ışık Straße GROẞ ŁÓDŹ žluťoučký ǅungla`,
  code: `int main() { return 0; } for (auto& x : xs) std::cout<<x<<'\\n'; def f(self, *args): SELECT * FROM events
    WHERE id=$1; #include <vector> https://example.org/a/b?c=d&e=%20 //----- /* ... */ a->b[i++] += 0xDEADBEEF; && ||
    {"key":[1,2.5e-3,null]} camelCaseName snake_case_name SCREAMING_CASE HTTPServer2 \\u00e9 !== ===> <!-- --> $HOME/.cfg`,
};
for (const language of Object.keys(words)) words[language] = words[language].split(/\s+/);

export const emoji = ['👍', '👍🏽', '👩‍👩‍👧‍👦', '🇹🇭', '🇻🇳', '❤️', '☃', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '1️⃣', '🫠', '©', '™️'];

export const special = ['<|endoftext|>', '<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<|endofprompt|>',
  '<|im_start|>', '<|im_end|>', '<|endoftext', '|>'];

// Where the patterns turn: each of these once decided differently for somebody's encoder.
export const corners = [' ', '  ', '   ', '\t', '\n', '\n\n', '\r\n', '\r', '\v', '\f', '\u0085', '\u00a0', '\u1680',
  '\u2003', '\u2028', '\u2029', '\u202f', '\u3000', '\u200b', '\u200d', '\ufeff', '\u180e', '\u0000', '\u001b',
  '\u007f', 'a', 'B', 'é', 'e\u0301', '\u0301', '\u20dd', '\u0e31', '\u093e', 'ſ', "'s", "'S", "'ſ", "'T", "'re", "'rE",
  "'VE", "'m", "'Ll", "'d", "'", '’s', 'ǅ', 'ʰ', 'ª', 'ß', 'ẞ', 'İ', 'K', 'Σ', 'ς', '中', 'あ', 'ก', '한', 'א',
  '7', '42', '123', '1234567', '٣', '๔', 'Ⅷ', '½', '²', '!', '?!', '/', '//', '/\n', '\n/', '...', '—', '_', '-', '|',
  '\ue000', '\ufffd', '\ufffe', '\u{1d400}', '\u{1e900}', '\u{20000}', '\u{e0001}', '\u{10ffff}'];

// What long words are made of.
export const alphabets = ['a', 'ab', 'ACGT', 'abcdefghijklmnopqrstuvwxyz', 'aBcDeFgHiJkLmNoPqRsTuVwXyZ', '=', '-=', '─',
  ' ', ' \n', '\n', '\t ', '的一是不了人我在有他这', 'กขคงจฉชซาิีเแ', 'あいうえおアイウ', '!?/.\n', 'ΑΒΓαβγ', '0123456789', '👍❤'];
