/*
 * The tape: a launch plan as init reads it. Written by ffi/tape.ts, mapped privately by init.c; little endian.
 *
 *   0   header      struct tape_header, 32 bytes
 *   32  operations  struct tape_op, 64 bytes each
 *   …   relocations u32 each: offsets of 64-bit words in the blob that hold offsets and become addresses
 *   …   blob        strings and structs, 8-aligned
 *
 * Offsets of data, in arguments and in the blob, count from the start of the blob.
 */
#ifndef BOCKER_TAPE_H
#define BOCKER_TAPE_H

#define TAPE_MAGIC 0x31544b42u /* "BKT1" */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

struct tape_header {
	u32 magic;
	u32 operation_count;
	u32 relocation_count;
	u32 blob_offset; /* from the start of the tape */
	u32 reserved[4];
};

enum tape_kind {
	KIND_SYSCALL = 0,
	KIND_FORK = 1,
	KIND_WAIT = 2,
	KIND_VERIFY_CWD = 3,
	KIND_REPORT = 4, /* args: status kind, detail */
	KIND_COPY = 5,   /* args: from, to, bytes, offset in from, offset in to */
	KIND_EXECVE = 6, /* args: candidates, argv, envp, stay behind as init */
	KIND_DROP = 7,   /* args: 64-bit mask of the capabilities to drop from the bounding set */
	KIND_REWIRE = 8, /* args: descriptors that are written and read from here on instead of FD_STATUS and FD_GO */
	KIND_FIND = 9,   /* args: candidates; fails as execve would where none can be executed */
	KIND_VERIFY_FD = 10, /* args: descriptor, enum verified_fact */
};

/* What KIND_VERIFY_FD ends the process without. */
enum verified_fact {
	FACT_OUTSIDE_PROC = 1, /* else EXDEV */
	FACT_NULL_DEVICE = 2,  /* else ENOTTY */
};

#define NO_SLOT 0xffffu
#define SLOTS 1024

struct tape_op {
	u32 number;      /* of the system call */
	u16 keep;        /* slot for the result, or NO_SLOT */
	u16 unless;      /* skipped where this slot holds a result, or NO_SLOT */
	u8 kind;
	u8 pointer_mask; /* bit n: argument n is an offset in the blob */
	u8 slot_mask;    /* bit n: argument n is a slot */
	u8 ignore[5];    /* errnos that count as done, 0 ends */
	u64 args[6];
};

/* What init writes to the status pipe: 16 bytes a record. */
enum status_kind {
	STATUS_FAILED = 1, /* index, errno, detail: candidate found broken, or -1 */
	STATUS_FORKED = 2, /* detail: pid of the child that goes on */
	STATUS_READY = 3,  /* execve is next */
	STATUS_REACHED = 4, /* the plan's report at index; detail: what it was told to tell */
};

struct status_record {
	u32 kind;
	u32 index;
	int error;
	int detail;
};

/* Descriptors the child starts with. */
#define FD_TAPE 3
#define FD_STATUS 4
#define FD_GO 5

#endif
