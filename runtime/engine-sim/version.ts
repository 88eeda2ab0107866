/** The SGLang release whose interface the simulator has, as its `/server_info` and `/v1/loads` say. */
export const sglangVersion = '0.5.23';
