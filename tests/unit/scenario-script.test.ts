import { describe, expect, test } from '@jest/globals';

import { usesOf, type Name, type Step } from '../support/scenario/script.js';
import { writeScript } from '../support/scenario/write-script.js';

const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

/** Devices that a step needs to be open when it begins. */
function needed(step: Step): readonly Name[] {
  if (step.do === 'open' || step.do === 'return') return [];
  if (step.do === 'kill') return step.devices;
  if (step.do === 'link') return [step.by];
  return usesOf(step).filter((name) => name.includes('.'));
}

function takeStep(open: Set<Name>, step: Step): void {
  if (step.do === 'open' || step.do === 'link') open.add(step.device);
  if (step.do === 'close' || step.do === 'unlink') open.delete(step.device);
  if (step.do === 'kill') for (const device of step.devices) open.delete(device);
  if (step.do === 'return') for (const device of step.devices) open.add(device);
}

describe('the script of a seed', () => {
  test('is the same each time, and another one for another seed', () => {
    expect(writeScript(7)).toEqual(writeScript(7));
    expect(writeScript(7).steps).not.toEqual(writeScript(8).steps);
  });

  test('has 10 accounts and 22 devices, and kills processes of the server and of devices', () => {
    for (const { accounts, devices, steps } of seeds.map(writeScript)) {
      const count = (what: Step['do']) => steps.filter((step) => step.do === what).length;
      expect([accounts.length, devices.length + count('link')]).toEqual([10, 22]);
      expect([count('crash'), count('kill'), count('unlink')].every((of) => of > 0)).toBe(true);
      expect(count('join')).toBeGreaterThan(0);
      expect(count('add') + count('join') + count('remove') + count('leave') + count('role')).toBeGreaterThan(10);
    }
  });

  test('asks only open devices, and leaves all of them open but those that are unlinked', () => {
    for (const { seed, devices, steps } of seeds.map(writeScript)) {
      const open = new Set(devices.map(({ name }) => name));
      for (const step of steps) {
        for (const device of needed(step)) expect({ seed, step, device, isOpen: open.has(device) }).toEqual({ seed, step, device, isOpen: true });
        takeStep(open, step);
      }
      expect(open.size).toBe(22 - steps.filter((step) => step.do === 'unlink').length);
    }
  });
});
