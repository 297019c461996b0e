import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { areTexts, bytesOfText, textOfBytes } from '../../lib/core/codecs/text-bytes.js';

test('any bytes come back as they were', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const valid = fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text));
  const mixed = fc.array(fc.oneof(bytes, valid)).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(mixed, (all) => {
      expect(bytesOfText(textOfBytes(all))).toEqual(all);
    }),
  );
});

test('valid text is read as it is, U+FFFD included', () => {
  for (const text of ['', 'a', 'äö 😀', '\uFFFD', 'a\uFFFDb😀', '\uD7FF\uE000\u{10FFFF}']) {
    expect(textOfBytes(Buffer.from(text))).toBe(text);
    expect(areTexts([text])).toBe(true);
  }
});

test('bytes that are no UTF-8 stand out, and leave the text around them readable', () => {
  const cases: [bytes: number[], text: string][] = [
    [[0x61, 0xff, 0x62], 'a\uDCFFb'],
    [[0xc3], '\uDCC3'],
    [[0xe2, 0x82, 0x61], '\uDCE2\uDC82a'],
    // A lone surrogate, and a character written longer than needed, are no UTF-8.
    [[0xed, 0xb3, 0xbf], '\uDCED\uDCB3\uDCBF'],
    [[0xc0, 0xaf], '\uDCC0\uDCAF'],
    [[0xf4, 0x90, 0x80, 0x80], '\uDCF4\uDC90\uDC80\uDC80'],
    [[0xc3, 0xa4, 0xef, 0xbf, 0xbd, 0x80], 'ä\uFFFD\uDC80'],
  ];
  for (const [bytes, text] of cases) {
    expect(textOfBytes(Buffer.from(bytes))).toBe(text);
    expect(areTexts(['a', text])).toBe(false);
  }
});
