import { describe, it } from 'vitest';
import { driverContract } from 'nestjs-redis-streams/testing';
import { harness } from './harness.js';

driverContract({ describe, it }, 'mine', harness);
