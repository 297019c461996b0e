import { describe, it } from 'node:test';
import { sourceContract } from 'nestjs-redis-streams/testing';
import { harness } from './harness.js';

sourceContract({ describe, it }, 'mine', harness);
