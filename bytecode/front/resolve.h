// Names of modules: what a module declares, what it imports, and where a name leads.
//
// Three name spaces: values (functions and constants), types (with interfaces and actors), and constructors. A module's
// tables hold its own declarations and what it imports by name; the prelude's tables stand behind them. Locals are the
// checker's.
#pragma once
#include "bytecode/front/front.h"
#include "bytecode/front/types.h"

typedef enum SymbolKind { SYMBOL_FN, SYMBOL_CONST, SYMBOL_TYPE, SYMBOL_INTERFACE, SYMBOL_ACTOR, SYMBOL_CTOR } SymbolKind;

typedef enum Space { SPACE_VALUES, SPACE_TYPES, SPACE_CTORS } Space;

typedef struct Symbol {
  SymbolKind kind;
  bool is_pub;
  const Name *name;
  ModuleAst *home;     // the module that declares it
  Span span;           // in home
  ImportDecl *import;  // in an importer's table: what brought it
  union {
    FnDecl *fn;
    ConstItem *constant;
    TypeDecl *type;
    InterfaceDecl *interface;
    ActorDecl *actor;
    CtorDecl *ctor;
  };
} Symbol;

// One compilation: the modules loaded so far and how to get more.
typedef struct Front Front;
struct Front {
  Loader *loader;
  Diags *diags;
  FrontOptions options;
  Program *program;
  PtrMap modules;            // Name of the canonical name → ModuleAst
  VEC(ModuleAst *) loading;  // being checked, outermost first
  ModuleAst *prelude;        // once it is complete
  Str root_name;
  ModuleAst *root;  // the program itself, once it is read
  // Loads, checks and generates a module unless that has happened; NULL after an error at `at` in `importer`.
  ModuleAst *(*load)(Front *front, Str name, ModuleAst *importer, Span at);
};

// Enters the module's own declarations into its tables, then loads its imports and enters what they bring. False if an
// import could not be had: checking on would only report what is missing because of that.
bool resolve_declare(Front *front, ModuleAst *module);

// What `name` means in `module`, the prelude and the prelude's names of `supervisor` included; NULL if nothing.
Symbol *resolve_name(ModuleAst *module, Space space, const Name *name);

// What `home` itself declares under `name`, public or not; NULL if nothing.
Symbol *resolve_declared(ModuleAst *home, Space space, const Name *name);

// Whether an import names it: if it is unknown nevertheless, that was reported there.
bool resolve_promised(const ModuleAst *module, const Name *name);

// Whether `module` may use the symbol: its own, or public; constructors of opaque types are their home's alone.
bool resolve_allowed(const ModuleAst *module, const Symbol *symbol);

// The import whose qualifier is `name`, or NULL.
ImportDecl *resolve_qualifier(ModuleAst *module, const Name *name);

// Notes that code of `user` refers to something of `home`.
void resolve_depend(ModuleAst *user, ModuleAst *home);

// Loads a library module that the language itself needs ("range", "time"); NULL after an error.
ModuleAst *resolve_library(Front *front, ModuleAst *user, const char *name, Span at);

// The modules `array` and `buf` need no import. NULL if `name` is neither, or means something else in `user`.
bool resolve_is_implicit(const Name *name);
ImportDecl *resolve_implicit(Front *front, ModuleAst *user, const Name *name, Span at);

// The function `name` of a checked module, or NULL: for the generator, which calls some library functions by name.
FnDecl *resolve_function(ModuleAst *home, const char *name);

// Offers every name of a space that `module` can see.
void resolve_offer(ModuleAst *module, Space space, Nearest *nearest);
