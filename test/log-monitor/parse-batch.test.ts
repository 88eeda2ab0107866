import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

// Expected values are read off the lines by eye. Every line of the first table stands in the fixture.
const fixture = readFileSync(`${import.meta.dirname}/../fixtures/sglang-log-lines.txt`, 'utf8').split('\n');

type Case = readonly [name: string, line: string, event: object];

const published: readonly Case[] = [
  [
    '0.2: no time, the GPU number as rank',
    '[gpu=0] Prefill batch. #new-seq: 2, #new-token: 1074, #cached-token: 0, cache hit rate: 0.00%, #running-req: 389, #queue-req: 40',
    {
      kind: 'prefill',
      time: null,
      rank: { gpu: 0 },
      fields: {
        '#new-seq': 2,
        '#new-token': 1074,
        '#cached-token': 0,
        'cache hit rate': 0,
        '#running-req': 389,
        '#queue-req': 40,
      },
    },
  ],
  [
    '0.3: time of day only',
    '[16:43:33 TP0] Prefill batch. #new-seq: 5, #new-token: 8192, #cached-token: 1832, cache hit rate: 11.92%, token usage: 0.77, #running-req: 21, #queue-req: 18',
    {
      kind: 'prefill',
      time: '16:43:33',
      rank: { TP: 0 },
      fields: {
        '#new-seq': 5,
        '#new-token': 8192,
        '#cached-token': 1832,
        'cache hit rate': 0.1192,
        'token usage': 0.77,
        '#running-req': 21,
        '#queue-req': 18,
      },
    },
  ],
  [
    '0.3.4: decode with a date',
    '[2024-10-31 23:11:30 TP0] Decode batch. #running-req: 1, #token: 12899, token usage: 0.10, gen throughput (token/s): 15.36, #queue-req: 0',
    {
      kind: 'decode',
      time: '2024-10-31 23:11:30',
      rank: { TP: 0 },
      fields: {
        '#running-req': 1,
        '#token': 12899,
        'token usage': 0.1,
        'gen throughput (token/s)': 15.36,
        '#queue-req': 0,
      },
    },
  ],
  [
    'percentages become fractions without rounding noise',
    '[2024-10-31 21:55:42 TP0] Prefill batch. #new-seq: 129, #new-token: 3868, #cached-token: 3227, cache hit rate: 54.19%, token usage: 0.03, #running-req: 371, #queue-req: 1',
    {
      kind: 'prefill',
      time: '2024-10-31 21:55:42',
      rank: { TP: 0 },
      fields: {
        '#new-seq': 129,
        '#new-token': 3868,
        '#cached-token': 3227,
        'cache hit rate': 0.5419,
        'token usage': 0.03,
        '#running-req': 371,
        '#queue-req': 1,
      },
    },
  ],
  [
    '0.4.1: speculative decoding',
    '[2025-02-01 00:07:46 TP0] Decode batch. #running-req: 1, #token: 182, token usage: 0.00, accept len: 4.05, gen throughput (token/s): 29.25, #queue-req: 0',
    {
      kind: 'decode',
      time: '2025-02-01 00:07:46',
      rank: { TP: 0 },
      fields: {
        '#running-req': 1,
        '#token': 182,
        'token usage': 0,
        'accept len': 4.05,
        'gen throughput (token/s)': 29.25,
        '#queue-req': 0,
      },
    },
  ],
  [
    '0.4.4: largest-len and a trailing separator',
    '[2025-03-11 07:58:15 TP0] Decode batch. #running-req: 135, #token: 19465, token usage: 0.95, gen throughput (token/s): 10688.50, largest-len: 0, #queue-req: 4865, ',
    {
      kind: 'decode',
      time: '2025-03-11 07:58:15',
      rank: { TP: 0 },
      fields: {
        '#running-req': 135,
        '#token': 19465,
        'token usage': 0.95,
        'gen throughput (token/s)': 10688.5,
        'largest-len': 0,
        '#queue-req': 4865,
      },
    },
  ],
  [
    '0.4.5: no cumulative hit rate any more',
    '[2025-05-01 01:03:51 TP0] Prefill batch. #new-seq: 4, #new-token: 122, #cached-token: 18, token usage: 0.92, #running-req: 127, #queue-req: 4305',
    {
      kind: 'prefill',
      time: '2025-05-01 01:03:51',
      rank: { TP: 0 },
      fields: {
        '#new-seq': 4,
        '#new-token': 122,
        '#cached-token': 18,
        'token usage': 0.92,
        '#running-req': 127,
        '#queue-req': 4305,
      },
    },
  ],
  [
    '0.4.6: no rank when every dimension is 1',
    '[2025-05-12 00:02:45] Decode batch. #running-req: 161, #token: 17726, token usage: 0.87, gen throughput (token/s): 17147.93, #queue-req: 4828',
    {
      kind: 'decode',
      time: '2025-05-12 00:02:45',
      rank: {},
      fields: {
        '#running-req': 161,
        '#token': 17726,
        'token usage': 0.87,
        'gen throughput (token/s)': 17147.93,
        '#queue-req': 4828,
      },
    },
  ],
  [
    '0.4.6.post4: cuda graph False',
    '[2025-06-01 01:42:15] Decode batch. #running-req: 1, #token: 156, token usage: 0.01, accept len: 1.65, cuda graph: False, gen throughput (token/s): 100.20, #queue-req: 0',
    {
      kind: 'decode',
      time: '2025-06-01 01:42:15',
      rank: {},
      fields: {
        '#running-req': 1,
        '#token': 156,
        'token usage': 0.01,
        'accept len': 1.65,
        'cuda graph': false,
        'gen throughput (token/s)': 100.2,
        '#queue-req': 0,
      },
    },
  ],
  [
    '0.4.9: a timestamp with colons, #token in a prefill line',
    '[2025-07-11 07:11:21] Prefill batch. #new-seq: 1, #new-token: 119, #cached-token: 351, #token: 351, token usage: 0.02, #running-req: 0, #queue-req: 0, timestamp: 2025-07-11T07:11:21.659103',
    {
      kind: 'prefill',
      time: '2025-07-11 07:11:21',
      rank: {},
      fields: {
        '#new-seq': 1,
        '#new-token': 119,
        '#cached-token': 351,
        '#token': 351,
        'token usage': 0.02,
        '#running-req': 0,
        '#queue-req': 0,
        timestamp: '2025-07-11T07:11:21.659103',
      },
    },
  ],
  [
    '0.4.9: decode with timestamp',
    '[2025-07-11 07:30:34] Decode batch. #running-req: 1, #token: 154, token usage: 0.01, accept len: 1.65, cuda graph: False, gen throughput (token/s): 101.73, #queue-req: 0, timestamp: 2025-07-11T07:30:34.626026',
    {
      kind: 'decode',
      time: '2025-07-11 07:30:34',
      rank: {},
      fields: {
        '#running-req': 1,
        '#token': 154,
        'token usage': 0.01,
        'accept len': 1.65,
        'cuda graph': false,
        'gen throughput (token/s)': 101.73,
        '#queue-req': 0,
        timestamp: '2025-07-11T07:30:34.626026',
      },
    },
  ],
  [
    '0.5.1: cuda graph True',
    '[2025-09-01 06:33:37] Decode batch. #running-req: 1, #token: 0, token usage: 0.00, cuda graph: True, gen throughput (token/s): 5.20, #queue-req: 1, ',
    {
      kind: 'decode',
      time: '2025-09-01 06:33:37',
      rank: {},
      fields: {
        '#running-req': 1,
        '#token': 0,
        'token usage': 0,
        'cuda graph': true,
        'gen throughput (token/s)': 5.2,
        '#queue-req': 1,
      },
    },
  ],
  [
    '0.5.4: the head ends in a comma',
    '[2025-11-01 01:42:36] Prefill batch, #new-seq: 1, #new-token: 6, #cached-token: 0, token usage: 0.00, #running-req: 0, #queue-req: 0, ',
    {
      kind: 'prefill',
      time: '2025-11-01 01:42:36',
      rank: {},
      fields: {
        '#new-seq': 1,
        '#new-token': 6,
        '#cached-token': 0,
        'token usage': 0,
        '#running-req': 0,
        '#queue-req': 0,
      },
    },
  ],
  [
    '0.5.8: decode with the comma head',
    '[2026-02-01 01:56:38] Decode batch, #running-req: 2, #token: 84, token usage: 0.00, cuda graph: True, gen throughput (token/s): 3.56, #queue-req: 1',
    {
      kind: 'decode',
      time: '2026-02-01 01:56:38',
      rank: {},
      fields: {
        '#running-req': 2,
        '#token': 84,
        'token usage': 0,
        'cuda graph': true,
        'gen throughput (token/s)': 3.56,
        '#queue-req': 1,
      },
    },
  ],
  [
    'glued behind streamed text',
    ' test. What do you need help with or is this a general knowledge[2024-12-01 03:08:44 TP0] Decode batch. #running-req: 1, #token: 62, token usage: 0.00, gen throughput (token/s): 133.05, #queue-req: 0',
    {
      kind: 'decode',
      time: '2024-12-01 03:08:44',
      rank: { TP: 0 },
      fields: {
        '#running-req': 1,
        '#token': 62,
        'token usage': 0,
        'gen throughput (token/s)': 133.05,
        '#queue-req': 0,
      },
    },
  ],
  [
    'glued behind text that looks like a field',
    '1. Country:[2025-03-11 07:57:29 TP0] Decode batch. #running-req: 1, #token: 57, token usage: 0.00, gen throughput (token/s): 77.88, largest-len: 0, #queue-req: 0,',
    {
      kind: 'decode',
      time: '2025-03-11 07:57:29',
      rank: { TP: 0 },
      fields: {
        '#running-req': 1,
        '#token': 57,
        'token usage': 0,
        'gen throughput (token/s)': 77.88,
        'largest-len': 0,
        '#queue-req': 0,
      },
    },
  ],
  [
    'glued behind text with HTML entities',
    'It looks like you&#39;re preparing for a test. If you need help with studying, I&#39;d be happy[2025-01-01 23:18:50 TP0] Decode batch. #running-req: 1, #token: 62, token usage: 0.00, gen throughput (token/s): 135.54, #queue-req: 0',
    {
      kind: 'decode',
      time: '2025-01-01 23:18:50',
      rank: { TP: 0 },
      fields: {
        '#running-req': 1,
        '#token': 62,
        'token usage': 0,
        'gen throughput (token/s)': 135.54,
        '#queue-req': 0,
      },
    },
  ],
  [
    'warm-up prefill of a start-up log',
    '[2025-05-12 00:00:33] Prefill batch. #new-seq: 1, #new-token: 6, #cached-token: 0, token usage: 0.00, #running-req: 0, #queue-req: 0',
    {
      kind: 'prefill',
      time: '2025-05-12 00:00:33',
      rank: {},
      fields: {
        '#new-seq': 1,
        '#new-token': 6,
        '#cached-token': 0,
        'token usage': 0,
        '#running-req': 0,
        '#queue-req': 0,
      },
    },
  ],
  [
    'almost everything cached',
    '[2025-05-14 09:31:43] Prefill batch. #new-seq: 5, #new-token: 5, #cached-token: 20050, token usage: 0.34, #running-req: 34, #queue-req: 0',
    {
      kind: 'prefill',
      time: '2025-05-14 09:31:43',
      rank: {},
      fields: {
        '#new-seq': 5,
        '#new-token': 5,
        '#cached-token': 20050,
        'token usage': 0.34,
        '#running-req': 34,
        '#queue-req': 0,
      },
    },
  ],
  [
    'prefill server of 0.4.6, blank at the end',
    '[2025-05-27 21:19:46] Prefill batch. #new-seq: 1, #new-token: 1, #cached-token: 25, token usage: 0.00, #running-req: 0, #unbootstrapped-req: 0, #queue-req: 0, #transferring-req: 0 ',
    {
      kind: 'prefill',
      time: '2025-05-27 21:19:46',
      rank: {},
      fields: {
        '#new-seq': 1,
        '#new-token': 1,
        '#cached-token': 25,
        'token usage': 0,
        '#running-req': 0,
        '#unbootstrapped-req': 0,
        '#queue-req': 0,
        '#transferring-req': 0,
      },
    },
  ],
  [
    'a rank without time',
    '[TP0] Decode batch. #running-req: 36, #token: 958017, token usage: 0.96',
    {
      kind: 'decode',
      time: null,
      rank: { TP: 0 },
      fields: { '#running-req': 36, '#token': 958017, 'token usage': 0.96 },
    },
  ],
  [
    'three-part rank with two digits, no #running-req',
    '[2025-10-15 14:44:32 DP14 TP14 EP14] Prefill batch. #new-seq: 2, #new-token: 68, #cached-token: 0, token usage: 0.01, #unbootstrapped-req: 0, #queue-req: 0, #transferring-req: 1, input throughput (token/s): 1326.00, ',
    {
      kind: 'prefill',
      time: '2025-10-15 14:44:32',
      rank: { DP: 14, TP: 14, EP: 14 },
      fields: {
        '#new-seq': 2,
        '#new-token': 68,
        '#cached-token': 0,
        'token usage': 0.01,
        '#unbootstrapped-req': 0,
        '#queue-req': 0,
        '#transferring-req': 1,
        'input throughput (token/s)': 1326,
      },
    },
  ],
  [
    'trailing comma without blank',
    '[2025-12-12 08:43:59 TP0] Decode batch, #running-req: 6, #token: 1920, token usage: 0.94, cuda graph: True, gen throughput (token/s): 446.45, #queue-req: 5,',
    {
      kind: 'decode',
      time: '2025-12-12 08:43:59',
      rank: { TP: 0 },
      fields: {
        '#running-req': 6,
        '#token': 1920,
        'token usage': 0.94,
        'cuda graph': true,
        'gen throughput (token/s)': 446.45,
        '#queue-req': 5,
      },
    },
  ],
  [
    'hybrid Mamba prefill: two usages',
    '[2025-12-26 23:02:39 DP1 TP1 EP1] Prefill batch, #new-seq: 1, #new-token: 6, #cached-token: 0, full token usage: 0.00, mamba usage: 0.00, #running-req: 0, #queue-req: 0, ',
    {
      kind: 'prefill',
      time: '2025-12-26 23:02:39',
      rank: { DP: 1, TP: 1, EP: 1 },
      fields: {
        '#new-seq': 1,
        '#new-token': 6,
        '#cached-token': 0,
        'full token usage': 0,
        'mamba usage': 0,
        '#running-req': 0,
        '#queue-req': 0,
      },
    },
  ],
  [
    '0.5.9: throughput before cuda graph, indented',
    '    [2026-03-04 15:13:22] Prefill batch, #new-seq: 1, #new-token: 9, #cached-token: 0, token usage: 0.00, #running-req: 1, #queue-req: 1, input throughput (token/s): 136.69, cuda graph: False',
    {
      kind: 'prefill',
      time: '2026-03-04 15:13:22',
      rank: {},
      fields: {
        '#new-seq': 1,
        '#new-token': 9,
        '#cached-token': 0,
        'token usage': 0,
        '#running-req': 1,
        '#queue-req': 1,
        'input throughput (token/s)': 136.69,
        'cuda graph': false,
      },
    },
  ],
  [
    'hybrid Mamba decode',
    '[2026-03-14 14:30:46] Decode batch, #running-req: 18, #full token: 1470941, full token usage: 0.09, mamba num: 18, mamba usage: 0.90, cuda graph: True, gen throughput (token/s): 862.38, #queue-req: 0, ',
    {
      kind: 'decode',
      time: '2026-03-14 14:30:46',
      rank: {},
      fields: {
        '#running-req': 18,
        '#full token': 1470941,
        'full token usage': 0.09,
        'mamba num': 18,
        'mamba usage': 0.9,
        'cuda graph': true,
        'gen throughput (token/s)': 862.38,
        '#queue-req': 0,
      },
    },
  ],
  [
    'behind a Ray actor',
    '(SGLangEngine pid=41820) [2026-03-22 13:53:37 TP0] Decode batch, #running-req: 6, #token: 42414, token usage: 0.04, cuda graph: True, gen throughput (token/s): 1374.02, #queue-req: 0,',
    {
      kind: 'decode',
      time: '2026-03-22 13:53:37',
      rank: { TP: 0 },
      fields: {
        '#running-req': 6,
        '#token': 42414,
        'token usage': 0.04,
        'cuda graph': true,
        'gen throughput (token/s)': 1374.02,
        '#queue-req': 0,
      },
    },
  ],
  [
    'decode server on an NPU',
    '[2026-04-07 13:24:13 TP0] Decode batch, #running-req: 10, #token: 485248, token usage: 0.94, pre-allocated usage: 0.51, #prealloc-req: 1, #transfer-req: 12, #retracted-req: 0, npu graph: True, gen throughput (token/s): 259.82, #queue-req: 0',
    {
      kind: 'decode',
      time: '2026-04-07 13:24:13',
      rank: { TP: 0 },
      fields: {
        '#running-req': 10,
        '#token': 485248,
        'token usage': 0.94,
        'pre-allocated usage': 0.51,
        '#prealloc-req': 1,
        '#transfer-req': 12,
        '#retracted-req': 0,
        'npu graph': true,
        'gen throughput (token/s)': 259.82,
        '#queue-req': 0,
      },
    },
  ],
  [
    'custom logging config: file and level in brackets of their own',
    '[2026-04-15 17:13:10][scheduler_metrics_mixin.py:424][INFO]: Prefill batch, #new-seq: 1, #new-token: 1, #cached-token: 0, token usage: 0.00, #running-req: 0, #queue-req: 0, #prealloc-req: 18, #inflight-req: 1, cuda graph: False, input throughput (token/s): 2.49',
    {
      kind: 'prefill',
      time: '2026-04-15 17:13:10',
      rank: {},
      fields: {
        '#new-seq': 1,
        '#new-token': 1,
        '#cached-token': 0,
        'token usage': 0,
        '#running-req': 0,
        '#queue-req': 0,
        '#prealloc-req': 18,
        '#inflight-req': 1,
        'cuda graph': false,
        'input throughput (token/s)': 2.49,
      },
    },
  ],
  [
    'decode under DP attention',
    '[2026-05-07 13:40:41 DP2 TP2 EP2] Decode batch, #running-req: 20, #token: 18788, token usage: 0.02, pre-allocated usage: 0.00, #prealloc-req: 0, #transfer-req: 0, #retracted-req: 0, cuda graph: True, gen throughput (token/s): 1392.52, #queue-req: 0',
    {
      kind: 'decode',
      time: '2026-05-07 13:40:41',
      rank: { DP: 2, TP: 2, EP: 2 },
      fields: {
        '#running-req': 20,
        '#token': 18788,
        'token usage': 0.02,
        'pre-allocated usage': 0,
        '#prealloc-req': 0,
        '#transfer-req': 0,
        '#retracted-req': 0,
        'cuda graph': true,
        'gen throughput (token/s)': 1392.52,
        '#queue-req': 0,
      },
    },
  ],
  [
    'lost opening bracket',
    '2026-05-24 03:51:44 TP0] Decode batch, #running-req: 4, #full token: 2642688, full token usage: 1.00, #swa token: 14592, swa token usage: 0.06, cuda graph: True, gen throughput (token/s): 429.34, #queue-req: 3',
    {
      kind: 'decode',
      time: '2026-05-24 03:51:44',
      rank: { TP: 0 },
      fields: {
        '#running-req': 4,
        '#full token': 2642688,
        'full token usage': 1,
        '#swa token': 14592,
        'swa token usage': 0.06,
        'cuda graph': true,
        'gen throughput (token/s)': 429.34,
        '#queue-req': 3,
      },
    },
  ],
  [
    'cut in the middle and at the end: the glued name is no field',
    '[2026-05-28 02:59:52 TP0] Prefill batch, #new-seq: 1, #new-token: 896, #cached-tounning-req: 34, #queue-req: 92, #pending-token: 79469, npu graph: False, input th',
    {
      kind: 'prefill',
      time: '2026-05-28 02:59:52',
      rank: { TP: 0 },
      fields: { '#new-seq': 1, '#new-token': 896, '#queue-req': 92, '#pending-token': 79469, 'npu graph': false },
      unknownFields: { '#cached-tounning-req': '34' },
    },
  ],
  [
    'cut decode line',
    '[2026-05-28 02:59:59 TP0] Decode batch, #running-req: 45, #token: 44672, token usaccept rate: 0.32, npu graph: False, gen throughput (token/s): 863.65, #queue-req',
    {
      kind: 'decode',
      time: '2026-05-28 02:59:59',
      rank: { TP: 0 },
      fields: { '#running-req': 45, '#token': 44672, 'npu graph': false, 'gen throughput (token/s)': 863.65 },
      unknownFields: { 'token usaccept rate': '0.32' },
    },
  ],
  [
    'four-part rank',
    '[2026-06-27 10:02:58 PP1 ATTN_CP3 TP3 EP3] Prefill batch, #new-seq: 1, #new-token: 128, #cached-token: 0, token usage: 0.00, #running-req: 0, #queue-req: 0, #pending-token: 0, #bootstrap-req: 0, #inflight-req: 1, npu graph: False, input throughput (token/s): 2.95',
    {
      kind: 'prefill',
      time: '2026-06-27 10:02:58',
      rank: { PP: 1, ATTN_CP: 3, TP: 3, EP: 3 },
      fields: {
        '#new-seq': 1,
        '#new-token': 128,
        '#cached-token': 0,
        'token usage': 0,
        '#running-req': 0,
        '#queue-req': 0,
        '#pending-token': 0,
        '#bootstrap-req': 0,
        '#inflight-req': 1,
        'npu graph': false,
        'input throughput (token/s)': 2.95,
      },
    },
  ],
  [
    'context parallel',
    '[2026-07-10 17:00:22 ATTN_CP4 TP4] Prefill batch, #new-seq: 1, #new-token: 384, #cached-token: 150144, token usage: 0.19, #running-req: 1, #queue-req: 0, #pending-token: 0, cuda graph: False, input throughput (token/s): 536.67',
    {
      kind: 'prefill',
      time: '2026-07-10 17:00:22',
      rank: { ATTN_CP: 4, TP: 4 },
      fields: {
        '#new-seq': 1,
        '#new-token': 384,
        '#cached-token': 150144,
        'token usage': 0.19,
        '#running-req': 1,
        '#queue-req': 0,
        '#pending-token': 0,
        'cuda graph': false,
        'input throughput (token/s)': 536.67,
      },
    },
  ],
  [
    'speculation with accept rate',
    '[2026-07-21 15:00:13 TP0 EP0] Decode batch, #running-req: 24, #token: 233600, token usage: 0.66, accept len: 3.05, accept rate: 0.68, npu graph: True, gen throughput (token/s): 239.06, #queue-req: 2',
    {
      kind: 'decode',
      time: '2026-07-21 15:00:13',
      rank: { TP: 0, EP: 0 },
      fields: {
        '#running-req': 24,
        '#token': 233600,
        'token usage': 0.66,
        'accept len': 3.05,
        'accept rate': 0.68,
        'npu graph': true,
        'gen throughput (token/s)': 239.06,
        '#queue-req': 2,
      },
    },
  ],
  [
    'a file path with dates in front; sliding window and speculation',
    '@c:\\Users\\yiming\\Downloads\\deepseek-v4-flash-0731-sglang-5qy5f_2026-08-23_20-05-04.txt [2026-08-23 09:05:37 TP0 EP0] Decode batch, #running-req: 1, #full token: 165376, full token usage: 0.02, #swa token: 768, swa token usage: 0.00, accept len: 5.30, accept rate: 0.86, cuda graph: True, gen throughput (token/s): 167.04, #queue-req: 0',
    {
      kind: 'decode',
      time: '2026-08-23 09:05:37',
      rank: { TP: 0, EP: 0 },
      fields: {
        '#running-req': 1,
        '#full token': 165376,
        'full token usage': 0.02,
        '#swa token': 768,
        'swa token usage': 0,
        'accept len': 5.3,
        'accept rate': 0.86,
        'cuda graph': true,
        'gen throughput (token/s)': 167.04,
        '#queue-req': 0,
      },
    },
  ],
  [
    'no prefix at all',
    'Decode batch, #running-req: 1, #token: 41536, token usage: 0.01, accept len: 2.20, accept rate: 0.73, pre-allocated usage: 0.00, #prealloc-req: 0, #transfer-req: 1, #retracted-req: 0, cuda graph: True, gen throughput (token/s): 0.40, #queue-req: 0,',
    {
      kind: 'decode',
      time: null,
      rank: {},
      fields: {
        '#running-req': 1,
        '#token': 41536,
        'token usage': 0.01,
        'accept len': 2.2,
        'accept rate': 0.73,
        'pre-allocated usage': 0,
        '#prealloc-req': 0,
        '#transfer-req': 1,
        '#retracted-req': 0,
        'cuda graph': true,
        'gen throughput (token/s)': 0.4,
        '#queue-req': 0,
      },
    },
  ],
  [
    "a platform's time where the bracket was",
    '2026-09-27T00:15:24.123Z 5ylyr21v-rhkt6 INFO TP0] Prefill batch, #new-seq: 1, #new-token: 4096, #cached-token: 0, full token usage: 0.49, mamba usage: 0.33, #running-req: 4, #queue-req: 2, #pending-token: 118201, cuda graph: False, input throughput (token/s): 13874.93',
    {
      kind: 'prefill',
      time: '2026-09-27T00:15:24.123Z',
      rank: { TP: 0 },
      fields: {
        '#new-seq': 1,
        '#new-token': 4096,
        '#cached-token': 0,
        'full token usage': 0.49,
        'mamba usage': 0.33,
        '#running-req': 4,
        '#queue-req': 2,
        '#pending-token': 118201,
        'cuda graph': false,
        'input throughput (token/s)': 13874.93,
      },
    },
  ],
  [
    'half a bracket and no time',
    'TP0] Decode batch, #running-req: 1, #full token: 1000, full token usage: 0.10, mamba num: 1, mamba usage: 0.04, accept len: 2.70, accept rate: 0.70, cuda graph: True, gen throughput (token/s): 180.00, #queue-req: 0',
    {
      kind: 'decode',
      time: null,
      rank: { TP: 0 },
      fields: {
        '#running-req': 1,
        '#full token': 1000,
        'full token usage': 0.1,
        'mamba num': 1,
        'mamba usage': 0.04,
        'accept len': 2.7,
        'accept rate': 0.7,
        'cuda graph': true,
        'gen throughput (token/s)': 180,
        '#queue-req': 0,
      },
    },
  ],
  [
    "coloured by a wrapper's tracing",
    '\x1b[2m2025-12-30T15:52:41.206058Z\x1b[0m \x1b[32m INFO\x1b[0m Decode batch, #running-req: 5, #token: 512, token usage: 0.85, gen throughput (token/s): 1500.5',
    {
      kind: 'decode',
      time: '2025-12-30T15:52:41.206058Z',
      rank: {},
      fields: { '#running-req': 5, '#token': 512, 'token usage': 0.85, 'gen throughput (token/s)': 1500.5 },
    },
  ],
  [
    'pipeline stage and two fields',
    '[2025-12-08 14:34:44 PP2] Prefill batch, #new-seq: 4, #new-token: 32768',
    { kind: 'prefill', time: '2025-12-08 14:34:44', rank: { PP: 2 }, fields: { '#new-seq': 4, '#new-token': 32768 } },
  ],
  [
    'ranks that differ from each other',
    '[2025-11-04 05:31:43 DP1 TP2 EP3] Prefill batch, #new-seq: 5, #new-token: 40960, #running-req: 5, input throughput (token/s): 5000.5',
    {
      kind: 'prefill',
      time: '2025-11-04 05:31:43',
      rank: { DP: 1, TP: 2, EP: 3 },
      fields: { '#new-seq': 5, '#new-token': 40960, '#running-req': 5, 'input throughput (token/s)': 5000.5 },
    },
  ],
  [
    'milliseconds and an iteration number',
    '[2026-05-10 12:00:11.896 DP1 TP1 EP1] Prefill batch [1], #new-seq: 1, #new-token: 2048, #cached-token: 0, full token usage: 0.00, #running-req: 0, #queue-req: 0',
    {
      kind: 'prefill',
      time: '2026-05-10 12:00:11.896',
      rank: { DP: 1, TP: 1, EP: 1 },
      iteration: 1,
      fields: {
        '#new-seq': 1,
        '#new-token': 2048,
        '#cached-token': 0,
        'full token usage': 0,
        '#running-req': 0,
        '#queue-req': 0,
      },
    },
  ],
  [
    'everything of September 2026 on a decode server',
    '[2026-09-24 01:50:43.001 DP0 TP0 EP0] Decode batch [40], #running-req: 1, #token: 532160, token usage: 0.19, accept len: 4.40, accept rate: 0.68, pre-allocated usage: 0.18, #prealloc-req: 0, #transfer-req: 22, #retracted-req: 0, cuda graph: True, gen throughput (token/s): 11.87, #queue-req: 0',
    {
      kind: 'decode',
      time: '2026-09-24 01:50:43.001',
      rank: { DP: 0, TP: 0, EP: 0 },
      iteration: 40,
      fields: {
        '#running-req': 1,
        '#token': 532160,
        'token usage': 0.19,
        'accept len': 4.4,
        'accept rate': 0.68,
        'pre-allocated usage': 0.18,
        '#prealloc-req': 0,
        '#transfer-req': 22,
        '#retracted-req': 0,
        'cuda graph': true,
        'gen throughput (token/s)': 11.87,
        '#queue-req': 0,
      },
    },
  ],
];

/** Shapes that SGLang's source prints but nobody published, and damage that may happen to any line. */
const constructed: readonly Case[] = [
  [
    'mixed chunk (0.2.13 to 0.3.5)',
    '[12:00:00 TP0] Prefill batch(mixed #running-req: 7). #new-seq: 1, #new-token: 50, #cached-token: 0, cache hit rate: 0.00%, #queue-req: 2',
    {
      kind: 'prefill',
      time: '12:00:00',
      rank: { TP: 0 },
      fields: {
        'mixed #running-req': 7,
        '#new-seq': 1,
        '#new-token': 50,
        '#cached-token': 0,
        'cache hit rate': 0,
        '#queue-req': 2,
      },
    },
  ],
  [
    'negative rank (0.3.5.post2)',
    '[2024-11-22 10:00:00 DP-1 TP0] Decode batch. #running-req: 3',
    { kind: 'decode', time: '2024-11-22 10:00:00', rank: { DP: -1, TP: 0 }, fields: { '#running-req': 3 } },
  ],
  [
    'old GPU prefix',
    '[gpu_id=2] Decode batch. #running-req: 3',
    { kind: 'decode', time: null, rank: { gpu: 2 }, fields: { '#running-req': 3 } },
  ],
  [
    'every rank token at once',
    '[2026-08-01 00:00:00 DP1 PP2 ATTN_CP3 MOE_DP4 TP5 EP6] Decode batch, #running-req: 3',
    {
      kind: 'decode',
      time: '2026-08-01 00:00:00',
      rank: { DP: 1, PP: 2, ATTN_CP: 3, MOE_DP: 4, TP: 5, EP: 6 },
      fields: { '#running-req': 3 },
    },
  ],
  [
    'behind a progress bar',
    'Capturing batches:  50%|█████     | 2/4 [00:09<00:09,  4.62s/it][2026-05-07 13:40:41 TP0] Prefill batch, #new-token: 8',
    { kind: 'prefill', time: '2026-05-07 13:40:41', rank: { TP: 0 }, fields: { '#new-token': 8 } },
  ],
  [
    'behind a compose prefix, with a carriage return at the end',
    'engine-1     | [2026-05-07 13:40:41 TP0] Prefill batch, #new-seq: 1, #new-token: 8\r',
    { kind: 'prefill', time: '2026-05-07 13:40:41', rank: { TP: 0 }, fields: { '#new-seq': 1, '#new-token': 8 } },
  ],
  [
    'two batch lines glued: the last one',
    '[2026-05-07 13:40:41 DP0] Prefill batch, #new-seq: 1, #new-tok[2026-05-07 13:40:42 DP1] Decode batch, #running-req: 4, #queue-req: 0',
    {
      kind: 'decode',
      time: '2026-05-07 13:40:42',
      rank: { DP: 1 },
      fields: { '#running-req': 4, '#queue-req': 0 },
    },
  ],
  [
    'a second head cut off behind a whole line',
    '[2026-05-07 13:40:41] Prefill batch, #new-seq: 1, #new-token: 8, #queue-req: 0[2026-05-07 13:40:42] Decode batch',
    {
      kind: 'prefill',
      time: '2026-05-07 13:40:41',
      rank: {},
      fields: { '#new-seq': 1, '#new-token': 8 },
      unknownFields: { '#queue-req': '0[2026-05-07 13:40:42] Decode batch' },
    },
  ],
  [
    'opt-in fields of 2026, occupancy not a number',
    '[2026-05-07 13:40:41] Decode batch, #running-req: 1, est. decode TFLOPS/s (per GPU): 12.50, est. read BW (GB/s per GPU): 800.00, est. write BW (GB/s per GPU): 1.25, fwd occupancy: nan%',
    {
      kind: 'decode',
      time: '2026-05-07 13:40:41',
      rank: {},
      fields: {
        '#running-req': 1,
        'est. decode TFLOPS/s (per GPU)': 12.5,
        'est. read BW (GB/s per GPU)': 800,
        'est. write BW (GB/s per GPU)': 1.25,
      },
      unknownFields: { 'fwd occupancy': 'nan%' },
    },
  ],
  [
    'occupancy as a fraction',
    '[2026-05-07 13:40:41] Decode batch, #running-req: 1, fwd occupancy: 87.5%',
    {
      kind: 'decode',
      time: '2026-05-07 13:40:41',
      rank: {},
      fields: { '#running-req': 1, 'fwd occupancy': 0.875 },
    },
  ],
  [
    'a number cut behind its decimal point is no number',
    '[2026-05-07 13:40:41] Decode batch, #running-req: 1, gen throughput (token/s): 17.',
    {
      kind: 'decode',
      time: '2026-05-07 13:40:41',
      rank: {},
      fields: { '#running-req': 1 },
      unknownFields: { 'gen throughput (token/s)': '17.' },
    },
  ],
  [
    'a value that ran into the next line is no value',
    '[2026-05-07 13:40:41] Decode batch, #running-req: 1, #queue-req: 9unning-req: 4',
    {
      kind: 'decode',
      time: '2026-05-07 13:40:41',
      rank: {},
      fields: { '#running-req': 1 },
      unknownFields: { '#queue-req': '9unning-req: 4' },
    },
  ],
  [
    'colours inside the message',
    '[2026-05-07 13:40:41 TP0] \x1b[1mPrefill\x1b[0m batch, \x1b[36m#new-seq\x1b[0m: \x1b[33m1\x1b[0m, #new-token: 8',
    { kind: 'prefill', time: '2026-05-07 13:40:41', rank: { TP: 0 }, fields: { '#new-seq': 1, '#new-token': 8 } },
  ],
];

describe('published batch lines', () => {
  test.each(published)('%s', (_name, line, event) => {
    expect(fixture).toContain(line);
    expect(parseLogLine(line)).toEqual(event);
  });

  test('are at least 40 shapes', () => {
    expect(published.length).toBeGreaterThanOrEqual(40);
  });
});

describe('constructed batch lines', () => {
  test.each(constructed)('%s', (_name, line, event) => {
    expect(parseLogLine(line)).toEqual(event);
  });
});

describe('lines that only look like batch lines', () => {
  test.each([
    ['a fork', '[2026-07-30 13:47:31 TP1] Prefill rank batch, #new-token: 80, #cached-token: 0'],
    ['a head without fields', '[2026-07-30 13:47:31 TP1] Prefill batch, '],
    ['prose', 'A Decode batch, as the paper says, is larger than a Prefill batch.'],
    ['the second half of a wrapped line', '#running-req: 5, #token: 1938, token usage: 0.24, #queue-req: 0'],
    ['the wording of 0.1', 'new fill batch. #seq: 1. #cached_token: 757. #new_token: 1. #remaining_req: 4.'],
    [
      'a prompt in the request log',
      "[2026-07-30 13:47:31] Receive: obj=GenerateReqInput(text='[2026-05-07 13:40:41] Decode batch, #running-req: 1')",
    ],
    [
      'a prompt in the JSON request log',
      '[2026-07-30 13:47:31] {"timestamp": "x", "event": "request.finished", "out": "Decode batch, #running-req: 1, a: b"}',
    ],
  ])('%s', (_name, line) => {
    expect(parseLogLine(line)).toBeUndefined();
  });
});
