import { rooflineFigures } from '../../../runtime/engine-sim/core/roofline.ts';
import { enginePresets } from '../../../runtime/engine-sim/presets.ts';

test.each(enginePresets)('preset $name says where each of its figures comes from', ({ settings, derivations }) => {
  expect(Object.keys(derivations).sort()).toEqual(Object.keys(settings).sort());
  for (const value of Object.values(settings)) expect(value ?? 1).toBeGreaterThan(0);
});

test('preset names are unique', () => {
  expect(new Set(enginePresets.map(({ name }) => name)).size).toBe(enginePresets.length);
});

test('the roofline of a round GPU and a round model can be checked by hand', () => {
  const gpu = {
    name: 'round',
    bf16Tflops: 100,
    memoryGigabytesPerSecond: 1_000,
    memoryGib: 100,
    chunkedPrefillTokens: 4_096,
  };
  const model = { name: 'round', parameters: 10e9, layers: 10, hiddenSize: 5_000, kvHeads: 10, headSize: 25 };
  const figures = rooflineFigures(gpu, model, 1);
  // 50 TFLOPS at 20 GFLOP a token; 20 GB and 10 kB a token at 800 GB/s; 20 GFLOP over 4 x 10 x 5,000.
  expect(figures.prefillTokensPerSecond.value).toBe(2_500);
  expect(figures.prefillDoublingContextTokens.value).toBe(100_000);
  expect(figures.decodeStepMs.value).toBe(25);
  expect(figures.decodeMsPerRequest.value).toBe(0.4);
  expect(figures.decodeMsPerThousandContextTokens.value).toBe(0.013);
  expect(figures.prefillOverheadMs.value).toBe(25);
  // 85 GiB less 20 GB, at 10 kB a token.
  expect(figures.maxTotalTokens.value).toBe(7_100_000);
});
