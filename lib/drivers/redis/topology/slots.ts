import { grouped } from '../../../core/collections/grouped.js';

/** Number of slots of a cluster. Each key belongs to one slot, and each slot to one master. */
export const SLOTS = 16_384;

/** Table of the polynomial x¹⁶ + x¹² + x⁵ + 1 (CRC-16/XMODEM), by the highest byte. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let rest = byte << 8;
  for (let bit = 0; bit < 8; bit++) rest = (rest << 1) ^ (rest & 0x8000 ? 0x1021 : 0);
  return rest;
});

/**
 * Returns the slot of a key. Hashes only the first hash tag that is not empty, where the key has
 * one.
 */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) crc = ((crc << 8) ^ TABLE[(crc >> 8) ^ byte]!) & 0xffff;
  return crc % SLOTS;
}

/** Groups items by slot. Items of one slot keep their order. */
export function bySlot<T>(items: readonly T[], keyOf: (item: T) => string): Map<number, T[]> {
  return grouped(items, (item) => slotOf(keyOf(item)));
}
