// The version of the C ABI; `seqskip.engines.native.build` loads no library without this symbol.
extern "C" int seqskip_abi() { return 1; }
