// @ts-check
import { ordered } from './ordered.js';

export const consume = ordered(10);
