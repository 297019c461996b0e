import { describe, expect, it } from 'vitest';
import { Chain, type Link } from '../../lib/core/collections/chain.js';

class Item implements Link<Item> {
  before: Item | undefined;
  after: Item | undefined;
  chain: object | undefined;
  constructor(readonly name: string) {}
}

const items = (...names: string[]) => names.map((name) => new Item(name));
const names = (chain: Chain<Item>) => Array.from(chain, ({ name }) => name).join('');

function chainOf(all: readonly Item[]): Chain<Item> {
  const chain = new Chain<Item>();
  for (const item of all) chain.add(item);
  return chain;
}

describe('a chain', () => {
  it('keeps its items in the order in which they came', () => {
    const chain = chainOf(items('a', 'b', 'c'));
    expect(names(chain)).toBe('abc');
    expect(chain.size).toBe(3);
  });

  it.each([
    [0, 'bc'],
    [1, 'ac'],
    [2, 'ab'],
  ])('lets go of any of them: %i', (which, left) => {
    const all = items('a', 'b', 'c');
    const chain = chainOf(all);
    const item = all[which]!;
    expect(chain.delete(item)).toBe(true);
    expect(chain.delete(item)).toBe(false);
    expect([names(chain), chain.size, chain.has(item)]).toEqual([left, 2, false]);
    expect([item.before, item.after]).toEqual([undefined, undefined]);
    chain.add(item);
    expect(names(chain)).toBe(left + item.name);
  });

  it('leaves alone what is in another one', () => {
    const [item] = items('a') as [Item];
    const chain = chainOf([item]);
    expect(new Chain<Item>().delete(item)).toBe(false);
    expect(names(chain)).toBe('a');
  });

  it('can be emptied while it is walked', () => {
    const chain = chainOf(items('a', 'b', 'c'));
    let walked = '';
    for (const item of chain) {
      walked += item.name;
      chain.delete(item);
    }
    expect([walked, chain.size]).toEqual(['abc', 0]);
  });
});
