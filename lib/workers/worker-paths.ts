import { logFolder, stateFolder } from '../systemd.ts';

/** On the instance store where the machine has one that may hold them, else on the root volume. */
export const weightsFolder = `${stateFolder}/weights`;
/** Where weights from S3 lie; see prepare-weights-folder.sh. */
export const copiedWeightsFolder = `${weightsFolder}/model`;
/** Python that has SGLang. An image may bring it. */
export const sglangFolder = '/opt/sglang';
export const sglangPython = `${sglangFolder}/bin/python`;
export const engineLog = `${logFolder}/engine.log`;
