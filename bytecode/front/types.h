// The checker's types: terms with unifiable variables. The generator reads them through ty_resolve().
#pragma once
#include "bytecode/front/ast.h"

typedef enum TyKind {
  TY_INT, TY_FLOAT, TY_BOOL, TY_UNIT, TY_STRING, TY_BYTES, TY_DURATION, TY_TIME,
  TY_LIST,     // args[0]
  TY_PROMISE,  // args[0]
  TY_TUPLE,    // args
  TY_FN,       // args[0..count-1) parameters, the last is the result
  TY_DATA,     // decl, args
  TY_REF,      // interface, args
  TY_PARAM,    // quantified: parameter `index` of the enclosing declaration (an actor's functions: of the actor)
  TY_VAR,      // unifiable; after ty_resolve() only where nothing was ever said about it: treat as Unit
  TY_NEVER,    // of crash, return, break, continue, stop; unifies with everything
  TY_ERROR,    // was reported; unifies with everything
} TyKind;

struct Ty {
  TyKind kind;
  u32 index;                 // PARAM; VAR: identity
  u32 count;
  Ty **args;
  TypeDecl *decl;            // DATA
  InterfaceDecl *interface;  // REF
  Ty *link;                  // VAR: what it was unified with, or NULL
  u32 level;                 // VAR
  u8 constraints;            // VAR, PARAM
  const Name *name;          // PARAM: as written, or NULL
};

Ty *ty_resolve(Ty *ty);  // follows links at the root
